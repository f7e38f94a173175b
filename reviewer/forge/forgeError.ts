export type ForgeErrorCode =
  | 'forge-unauthorized'
  | 'forge-forbidden'
  | 'forge-not-found'
  | 'forge-refused'
  | 'forge-limited'
  | 'forge-failed'
  | 'forge-unreachable'
  | 'forge-timeout'
  | 'forge-clock'
  | 'forge-git';

/**
 * A call to the forge did not do what it should. `call` names it (`POST /repos/northwind/access/pulls`, `git push`),
 * `status` is the answer's where there was one. Codes by status: 401 `forge-unauthorized`, 403 `forge-forbidden`, 404
 * `forge-not-found`, 429 and what else asks to wait `forge-limited`, other 4xx `forge-refused`, 5xx `forge-failed`; without an answer
 * `forge-unreachable` or `forge-timeout`; `forge-clock` when its clock and ours are too far apart; `forge-git` when Git fails.
 */
export class ForgeError extends Error {
  readonly code: ForgeErrorCode;
  readonly call: string;
  readonly status: number | null;
  constructor(
    code: ForgeErrorCode,
    call: string,
    what: string,
    options: { status?: number; cause?: unknown } = {},
  ) {
    super(`${call} ${what}`, { cause: options.cause });
    this.name = 'ForgeError';
    this.code = code;
    this.call = call;
    this.status = options.status ?? null;
  }
}

const advice: Readonly<Record<number, readonly [ForgeErrorCode, string]>> = {
  401: ['forge-unauthorized', 'the token is not accepted'],
  403: ['forge-forbidden', 'the token may not do this'],
  404: ['forge-not-found', 'the repository is not there, or the token may not see it'],
  429: ['forge-limited', 'too many requests; a later run goes on'],
};

/** An error for an answer's status; `message` is what the forge said. */
export function errorOfStatus(call: string, status: number, message: string, cause?: unknown): ForgeError {
  const [code, meaning] =
    advice[status] ??
    (status >= 500
      ? (['forge-failed', 'the forge failed; a later run goes on'] as const)
      : (['forge-refused', 'the forge refused it'] as const));
  return new ForgeError(code, call, `answered ${status}: ${message || meaning} (${meaning})`, {
    status,
    cause,
  });
}
