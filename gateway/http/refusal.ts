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
    // Where it was made says nothing that `code` does not, and to look for that would be the dearest part of a refusal.
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    super(message, cause === undefined ? undefined : { cause });
    Error.stackTraceLimit = stackTraceLimit;
    this.name = 'Refusal';
    this.status = status;
    this.code = code;
    this.headers = headers;
  }
}
