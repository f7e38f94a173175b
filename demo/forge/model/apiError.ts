/** One entry of `errors` in GitHub's "Validation Failed" answers. */
export type FieldError = { resource: string; code: string; field?: string; message?: string };

/** An answer other than success, in GitHub's shape `{message, errors?, documentation_url, status}`. */
export class ApiError extends Error {
  readonly code = 'api-error';
  readonly status: number;
  readonly errors: readonly FieldError[] | undefined;
  constructor(status: number, message: string, errors?: readonly FieldError[]) {
    super(message);
    this.status = status;
    this.errors = errors;
  }
}

export const notFound = () => new ApiError(404, 'Not Found');

export const invalid = (...errors: FieldError[]) => new ApiError(422, 'Validation Failed', errors);

export const missingField = (resource: string, field: string) =>
  invalid({ resource, code: 'missing_field', field });
