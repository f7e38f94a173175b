/** The decision every bundle answers. */
export const entrypoint = 'grantgate/authz/decision';
