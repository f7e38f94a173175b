import { Option } from 'commander';

/** What {@link adminTokenOption} leaves in a command's options. */
export type AdminTokenOption = { adminTokenEnv: string };

/** Where the token of gateways' admin listeners comes from: never the command line, where everybody may read it. */
export const adminTokenOption = (): Option =>
  new Option(
    '--admin-token-env <name>',
    'the environment variable that holds the admin token, if gateways want one',
  ).default('GRANTGATE_ADMIN_TOKEN');

/** The token; null for none. An empty variable is none. */
export const adminTokenOf = ({ adminTokenEnv }: AdminTokenOption): string | null =>
  process.env[adminTokenEnv] || null;
