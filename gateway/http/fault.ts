/** Why nobody at the other end gave an answer that is of use; fixed codes, for logs and metrics. */
export type Fault =
  | 'dns'
  | 'refused'
  | 'unreachable'
  | 'tls'
  | 'connect-timeout'
  | 'answer-timeout'
  /** The connection ended before any of the answer. */
  | 'reset'
  /** It ended in the middle of the answer. */
  | 'cut'
  /** What came is no HTTP, or none that may be passed on. */
  | 'bad-answer'
  /** It answered a handshake, and did not agree. */
  | 'no-handshake'
  /** Not the status that was asked for. */
  | 'status'
  | 'too-large'
  | 'no-json'
  /** It is JSON, but not what was asked for. */
  | 'content'
  | 'key-set-empty'
  | 'key-not-public'
  | 'other';

/** An answer that is of no use. The sentence holds nothing of the answer. */
export class AnswerError extends Error {
  readonly fault: Fault;
  constructor(fault: Fault, message: string) {
    super(message);
    this.name = 'AnswerError';
    this.fault = fault;
  }
}

const codes: Readonly<Record<string, Fault>> = {
  ENOTFOUND: 'dns',
  EAI_AGAIN: 'dns',
  EAI_FAIL: 'dns',
  EAI_NODATA: 'dns',
  ECONNREFUSED: 'refused',
  ENOENT: 'refused',
  EHOSTUNREACH: 'unreachable',
  ENETUNREACH: 'unreachable',
  EHOSTDOWN: 'unreachable',
  ENETDOWN: 'unreachable',
  EADDRNOTAVAIL: 'unreachable',
  EPROTO: 'tls',
  ETIMEDOUT: 'connect-timeout',
  UND_ERR_CONNECT_TIMEOUT: 'connect-timeout',
  UND_ERR_HEADERS_TIMEOUT: 'answer-timeout',
  UND_ERR_BODY_TIMEOUT: 'answer-timeout',
  ECONNRESET: 'reset',
  EPIPE: 'reset',
  UND_ERR_SOCKET: 'reset',
  UND_ERR_HEADERS_OVERFLOW: 'bad-answer',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'bad-answer',
  UND_ERR_INVALID_ARG: 'bad-answer',
};
/** OpenSSL's words for certificates (`CERT_HAS_EXPIRED`, `DEPTH_ZERO_SELF_SIGNED_CERT`), and Node's. */
const tls = /^ERR_(?:TLS|SSL)_|CERT|^UNABLE_TO_|_CRL_|^HOSTNAME_MISMATCH$|^INVALID_(?:CA|PURPOSE)$/;

/** Looks through what errors are wrapped in. */
export function faultOf(error: unknown): Fault {
  let at: unknown = error;
  for (let depth = 0; depth < 5 && at instanceof Error; depth += 1) {
    if (at instanceof AnswerError) return at.fault;
    const fault = faultOfOne(at);
    if (fault !== null) return fault;
    // Happy eyeballs: one failure for each address.
    at = at.cause ?? (at instanceof AggregateError ? at.errors[0] : undefined);
  }
  return 'other';
}

function faultOfOne(error: Error): Fault | null {
  if (error.name === 'TimeoutError') return 'answer-timeout';
  if (error.name === 'HTTPParserError') return 'bad-answer';
  const { code } = error as { code?: unknown };
  if (typeof code !== 'string') return null;
  if (code.startsWith('HPE_')) return 'bad-answer';
  if (tls.test(code)) return 'tls';
  // Node names a handshake that was cut off like any other connection.
  if (code === 'ECONNRESET' && /before secure TLS connection/.test(error.message)) return 'tls';
  return Object.hasOwn(codes, code) ? (codes[code] ?? null) : null;
}

/** The system's code for a fault, such as `ECONNREFUSED`, and the place that it names; never its text. */
export function detailOf(error: unknown): string | null {
  let at: unknown = error;
  for (let depth = 0; depth < 5 && at instanceof Error; depth += 1) {
    if (at instanceof AnswerError) return at.message;
    const { code, address, port, hostname } = at as Partial<
      Record<'code' | 'address' | 'port' | 'hostname', unknown>
    >;
    if (typeof code === 'string') {
      const place = [address ?? hostname, port].filter((part) => part !== undefined).join(' port ');
      return place === '' ? code : `${code} ${place}`;
    }
    at = at.cause ?? (at instanceof AggregateError ? at.errors[0] : undefined);
  }
  return at instanceof Error ? at.name : null;
}
