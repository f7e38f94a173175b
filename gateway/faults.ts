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

type Fault = {
  level?: 'warn' | 'error';
  named: { api: string } | { issuer: string | null };
  cause: string;
  error?: unknown;
};

/** What operators learn of that callers are told a code of. */
export type Faults = ReturnType<typeof createFaults>;

/**
 * Counts what went wrong by its cause, and logs it: one line a minute for each API or issuer and cause, however often
 * it happens, and for each cause that requests fail of here: a full disk fails all of them. Nothing in it comes from a caller, a token or an answer.
 */
export function createFaults({ metrics, log, now }: Options) {
  const lately = createToldLately();
  const report = (message: string, { level = 'error', named, cause, error }: Fault) => {
    const times = lately(JSON.stringify([message, named, cause]), now());
    if (times === null) return;
    const detail = error === undefined ? null : detailOf(error);
    log[level]({ ...named, cause, ...(detail === null ? {} : { detail }), times }, message);
  };
  return {
    /** `decisionId` is that of the one that is told of. */
    request(error: unknown, decisionId: string | null) {
      const times = lately(JSON.stringify(['request', String(error)]), now());
      if (times !== null) log.error({ err: error, decision_id: decisionId, times }, 'request failed');
    },
    upstream(api: string, error: unknown) {
      const cause = faultOf(error);
      metrics.upstreamFailures(api, cause);
      report('no proper answer of the API', { named: { api }, cause, error });
    },
    keys(issuer: string, error: unknown) {
      const cause = error === null ? '' : faultOf(error);
      metrics.keysFetched(issuer, cause, now());
      if (error !== null) report('no keys of the issuer', { named: { issuer }, cause, error });
    },
    introspection(issuer: string, error: unknown) {
      const cause = faultOf(error);
      metrics.introspectionFailed(issuer, cause);
      report('no answer of the issuer about a token', { named: { issuer }, cause, error });
    },
    token(issuer: string | null, cause: TokenCause) {
      metrics.tokenRefused(issuer ?? '', cause);
      report('token refused', { level: 'warn', named: { issuer }, cause });
    },
  };
}
