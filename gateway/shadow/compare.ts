import type { Logger } from 'pino';
import type { Carrier, Decided } from '../decision/admission.ts';
import type { Enforcement } from '../decision/enforcement.ts';
import { type Asked, decideAgain, type ShadowResult } from './decideAgain.ts';
import { createLogDifference } from './logDifference.ts';

type Options = {
  onResult: (api: string, operation: string, result: ShadowResult) => void;
  /** A request is not compared, as too many wait for that. */
  onDropped: () => void;
  log: Pick<Logger, 'info' | 'warn'>;
  /** Milliseconds since 1970. */
  now: () => number;
  /** The share of requests that is compared, from 0 to 1. */
  sample: number;
  random?: () => number;
};

const mostQueued = 1000;
/** How long one turn of the event loop may be held up by comparisons. */
const perTurnMs = 0.5;
/** What takes that long would hold up requests. */
const tooSlowNs = 50e6;

/** Compares decisions with those of another revision, between the turns that serve requests. */
export function createCompare({ onResult, onDropped, log, now, sample, random = Math.random }: Options) {
  let by: Enforcement | null = null;
  let queue: Asked[] = [];
  let scheduled = false;
  const logDifference = createLogDifference(log, now);

  const compare = (asked: Asked, other: Enforcement) => {
    const { revision } = other.snapshot;
    const compared = decideAgain(asked, other);
    onResult(asked.route.api, asked.route.operation, compared.result);
    if (compared.result !== 'same') logDifference(asked, compared, revision);
    if (compared.nanoseconds !== null && compared.nanoseconds > tooSlowNs) {
      // The next revision is given another chance.
      by = null;
      log.warn({ shadow_revision: revision }, 'shadow too slow; not asked any more');
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
    for (const asked of queue) {
      taken += 1;
      compare(asked, other);
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
  const enqueue = (asked: Asked) => {
    if (queue.length >= mostQueued) onDropped();
    else queue.push(asked);
    schedule();
  };

  return {
    /** The revision to compare with from now on. */
    use(next: Enforcement) {
      by = next;
    },
    /** Takes note of a decision; it is compared when the answer is over. */
    offer(
      { id, canonical, headers, route, identity, address, decision, enforcement }: Decided,
      carrier: Carrier | undefined,
    ) {
      if (by === null || (sample < 1 && random() >= sample)) return;
      const { result, input } = decision;
      // While its connection is there: the answer may be asked for later.
      headers.fromProxy?.();
      const { revision } = enforcement.snapshot;
      const { time } = input;
      const asked = { id, canonical, headers, route, identity, address, result, time, revision };
      if (carrier === undefined || carrier.destroyed) enqueue(asked);
      else carrier.onEnd(() => enqueue(asked));
    },
  };
}
