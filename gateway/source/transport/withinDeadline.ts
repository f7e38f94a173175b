import { SourceError } from '../contract/source.ts';

/**
 * Does something with a server by one deadline over all of it: a server that drips a byte a second never goes silent.
 * Throws SourceError `aborted`, `source-timeout`, `source-unauthorized` or `source-unreachable` for what the transport
 * says, and errors of `work` as they are.
 */
export async function withinDeadline<T>(
  { signal, ms }: { signal: AbortSignal; ms: number },
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const deadline = AbortSignal.timeout(ms);
  try {
    return await work(AbortSignal.any([signal, deadline]));
  } catch (cause) {
    if (signal.aborted) throw new SourceError('aborted', 'stopped', { cause });
    if (deadline.aborted)
      throw new SourceError('source-timeout', `the bundle server took longer than ${ms / 1000} s`, { cause });
    if (!(cause instanceof Error) || !('code' in cause) || typeof cause.code !== 'string') throw cause;
    // The server wanted a certificate of ours, or another one.
    if (/^ERR_SSL_.*ALERT_(?:.*CERTIFICATE|UNKNOWN_CA|ACCESS_DENIED)/.test(cause.code))
      throw new SourceError(
        'source-unauthorized',
        'the bundle server refuses our certificate, or wants one',
        {
          cause,
        },
      );
    if (isTransport(cause.code))
      throw new SourceError('source-unreachable', `the bundle server cannot be reached: ${cause.message}`, {
        cause,
      });
    throw cause;
  }
}

/** Errors of sockets, TLS and undici, as opposed to ours and the verifier's. */
function isTransport(code: string): boolean {
  return /^(?:UND_ERR|E[A-Z]+$|ERR_(?:TLS|SSL)|CERT_|DEPTH_|SELF_SIGNED|UNABLE_|HPE_)/.test(code);
}
