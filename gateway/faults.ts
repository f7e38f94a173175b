import type { Logger } from 'pino';
import { detailOf, faultOf } from './http/fault.ts';
import type { TokenCause } from './identity/tokenRefusal.ts';
import { createToldLately } from './memory/toldLately.ts';
import type { Metrics } from './metrics/metrics.ts';

type Options = {
  metrics: Pick<Metrics, 'upstreamFailures' | 'keysFetched' | 'introspectionFailed' | 'tokenRefused'>;
  log: Pick<Logger, 'warn' | 'error'>;
  /** Milliseconds since 1970. */
  now: () => number;
};

/** What operators learn of that callers are told a code of. */
export type Faults = ReturnType<typeof createFaults>;

/**
 * Counts what went wrong by its cause, and logs it: one line a minute for each API or issuer and cause, however often
 * it happens. Nothing in it comes from a caller, a token or an answer.
 */
export function createFaults({ metrics, log, now }: Options) {
  const lately = createToldLately();
  const tell = (
    level: 'warn' | 'error',
    message: string,
    named: { api: string } | { issuer: string | null },
    cause: string,
    error?: unknown,
  ) => {
    const times = lately(JSON.stringify([message, named, cause]), now());
    if (times === null) return;
    const detail = error === undefined ? null : detailOf(error);
    log[level]({ ...named, cause, ...(detail === null ? {} : { detail }), times }, message);
  };
  return {
    upstream(api: string, error: unknown) {
      const cause = faultOf(error);
      metrics.upstreamFailures(api, cause);
      tell('error', 'no proper answer of the API', { api }, cause, error);
    },
    keys(issuer: string, error: unknown) {
      const cause = error === null ? '' : faultOf(error);
      metrics.keysFetched(issuer, cause, now());
      if (error !== null) tell('error', 'no keys of the issuer', { issuer }, cause, error);
    },
    introspection(issuer: string, error: unknown) {
      const cause = faultOf(error);
      metrics.introspectionFailed(issuer, cause);
      tell('error', 'no answer of the issuer about a token', { issuer }, cause, error);
    },
    token(issuer: string | null, cause: TokenCause) {
      metrics.tokenRefused(issuer ?? '', cause);
      tell('warn', 'token refused', { issuer }, cause);
    },
  };
}
