import { join } from 'node:path';
import type { Logger } from 'pino';
import { type GatewayConfig, readSecret } from '../config/config.ts';
import { readSourceAccess, readVerifyKeyTexts } from '../config/readSource.ts';
import type { Carrier, Decided } from '../decision/admission.ts';
import { type Enforcement, enforce } from '../decision/enforcement.ts';
import { type ReloadOptions, startReload } from './reload.ts';
import type { ReloadStatus } from './reloadStatus.ts';

/** How the second bundle would have decided, against what was decided. */
export type ShadowResult = 'same' | 'would-allow' | 'would-deny' | 'other-operation' | 'failed';

/** A second bundle that decides the same requests afterwards, and whose word never counts. */
export type Shadow = {
  /** Takes note of a decision; it is compared when the answer is over. */
  offer: (decided: Decided, carrier: Carrier | undefined) => void;
  status: () => ReloadStatus;
  /** Looks at the source now; settles when it has, well or not. */
  look: () => Promise<void>;
  close: () => Promise<void>;
};

/** What of a request is needed to decide it again; nothing here keeps an old revision in memory. */
type Asked = Pick<Decided, 'id' | 'canonical' | 'headers' | 'route' | 'identity' | 'address'> & {
  result: Decided['decision']['result'];
  time: number;
  revision: string;
};

type Options = {
  settings: ReturnType<typeof readShadow>;
  metrics: {
    shadowed: (api: string, operation: string, result: ShadowResult) => void;
    shadowDropped: () => void;
  };
  startLoader?: ReloadOptions['startWorker'];
  log: Logger;
  now: () => number;
};

/** All that it depends on, secrets included; null when none is configured. Throws ConfigError when a secret is missing. */
export function readShadow(
  { bundle, state }: Pick<GatewayConfig, 'bundle' | 'state'>,
  env: NodeJS.ProcessEnv,
) {
  const { shadow } = bundle;
  if (shadow === undefined) return null;
  const verifyKeyPem = readVerifyKeyTexts(shadow, env);
  return {
    source: {
      url: shadow.source,
      stateFolder: join(state, 'shadow'),
      ...(verifyKeyPem === undefined ? {} : { verifyKeyPem }),
      ...(shadow.token === undefined ? {} : { token: readSecret(shadow.token, env) }),
      redirectOrigins: bundle.redirect_origins,
      ...readSourceAccess(shadow, env),
    },
    pollMs: shadow.poll ?? bundle.poll,
    sample: shadow.sample,
  };
}

/** Null when none is configured. Throws what {@link startReload} throws. */
export function startShadow({ settings, metrics, startLoader, log: parent, now }: Options): Shadow | null {
  if (settings === null) return null;
  const { source, pollMs, sample } = settings;
  const log = parent.child({ bundle: 'shadow' });
  const compare = createCompare({
    onResult: metrics.shadowed,
    onDropped: metrics.shadowDropped,
    log,
    now,
    sample,
  });
  const reload = startReload({
    source,
    pollMs,
    // Its word never counts, so nothing it takes away has to wait.
    holdShare: 1,
    onSwap: (snapshot) => compare.use(enforce(snapshot, null)),
    startWorker: startLoader,
    log,
    now,
  });
  return {
    offer: compare.offer,
    status: reload.status,
    look: () =>
      reload.look().then(
        () => undefined,
        () => undefined,
      ),
    close: () => reload.close(),
  };
}

type CompareOptions = {
  onResult: (api: string, operation: string, result: ShadowResult) => void;
  onDropped: () => void;
  log: Pick<Logger, 'info' | 'warn'>;
  now: () => number;
  /** The share of requests that is compared. */
  sample: number;
  random?: () => number;
};

const most = 1000;
/** How long one turn of the event loop may be held up by comparisons. */
const perTurnMs = 0.5;
const tooSlowNs = 50e6;
const linesPerMinute = 60;

/** Compares decisions with those of another revision, between the turns that serve requests. */
export function createCompare({
  onResult,
  onDropped,
  log,
  now,
  sample,
  random = Math.random,
}: CompareOptions) {
  let by: Enforcement | null = null;
  let queue: Asked[] = [];
  let scheduled = false;
  let minute = 0;
  let lines = 0;
  let unsaid = 0;

  const tell = (decided: Asked, result: ShadowResult, facts: object) => {
    const current = Math.floor(now() / 60_000);
    if (current !== minute) {
      if (unsaid > 0) log.info({ unsaid }, 'more differences than lines for them');
      [minute, lines, unsaid] = [current, 0, 0];
    }
    lines += 1;
    if (lines > linesPerMinute) {
      unsaid += 1;
      return;
    }
    const { id, identity, route, revision } = decided;
    const { api, operation } = route;
    const subject = identity.subject;
    log.info({ decision_id: id, subject, api, operation, result, revision, ...facts }, 'shadow differs');
  };

  const compare = (decided: Asked, other: Enforcement) => {
    const { canonical, headers, route, identity, address, result, time } = decided;
    const done = (outcome: ShadowResult, facts: object) => {
      onResult(route.api, route.operation, outcome);
      if (outcome !== 'same') tell(decided, outcome, { shadow_revision: other.snapshot.revision, ...facts });
    };
    try {
      const found = other.route(canonical);
      if (found === null || found.api !== route.api || found.operation !== route.operation) {
        done('other-operation', {
          shadow_api: found?.api ?? null,
          shadow_operation: found?.operation ?? null,
        });
        return;
      }
      const networks = other.networksOf(address);
      const { method, path } = canonical;
      const answer = other.decide({ identity, route: found, method, networks, time, path, headers });
      const facts = { reason: result.reason, shadow_reason: answer.result.reason };
      if (answer.failure !== null) done('failed', facts);
      else if (answer.result.allow === result.allow) done('same', facts);
      else
        done(answer.result.allow ? 'would-allow' : 'would-deny', {
          ...facts,
          grants: answer.result.allow ? answer.result.grants : result.grants,
        });
      if (answer.nanoseconds > tooSlowNs) {
        // What takes that long would hold up requests; the next revision is given another chance.
        by = null;
        log.warn({ shadow_revision: other.snapshot.revision }, 'shadow too slow; not asked any more');
      }
    } catch (error) {
      done('failed', { err: error });
    }
  };

  const drain = () => {
    scheduled = false;
    const other = by;
    if (other === null) {
      queue = [];
      return;
    }
    const startedMs = performance.now();
    let taken = 0;
    for (const decided of queue) {
      taken += 1;
      compare(decided, other);
      if (by !== other || performance.now() - startedMs > perTurnMs) break;
    }
    queue = queue.slice(taken);
    if (queue.length > 0) schedule();
  };
  const schedule = () => {
    if (scheduled) return;
    scheduled = true;
    setImmediate(drain);
  };
  const enqueue = (decided: Asked) => {
    if (queue.length >= most) onDropped();
    else queue.push(decided);
    schedule();
  };

  return {
    use(next: Enforcement) {
      by = next;
    },
    offer(
      { id, canonical, headers, route, identity, address, decision, enforcement }: Decided,
      carrier: Carrier | undefined,
    ) {
      if (by === null || (sample < 1 && random() >= sample)) return;
      const { result, input } = decision;
      // While its connection is there: the answer may be asked for later.
      headers.fromProxy?.();
      const { revision } = enforcement.snapshot;
      const decided = {
        id,
        canonical,
        headers,
        route,
        identity,
        address,
        result,
        time: input.time,
        revision,
      };
      if (carrier === undefined || carrier.destroyed) enqueue(decided);
      else carrier.onEnd(() => enqueue(decided));
    },
  };
}
