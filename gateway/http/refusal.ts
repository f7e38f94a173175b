/**
 * A request that goes no further, and what the caller may know of it: `status`, a stable `code`, and a sentence
 * that never holds anything of the request.
 */
export class Refusal extends Error {
  readonly status: number;
  readonly code: string;
  /** Extra response headers, for example `www-authenticate`. */
  readonly headers: Readonly<Record<string, string>>;
  /** `cause` is for the operator's eyes. */
  constructor(
    status: number,
    code: string,
    message: string,
    headers: Record<string, string> = {},
    cause?: unknown,
  ) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'Refusal';
    this.status = status;
    this.code = code;
    this.headers = headers;
  }
}
