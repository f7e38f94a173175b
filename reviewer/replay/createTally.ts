import { compareCodePoints } from '../../bundle/format/canonicalJson.ts';
import type { RecordedRequest } from '../evidence/requests.ts';
import { type Effect, type Effects, type Replay, type Skipped, sumOf } from './replay.ts';

/** `unproven`: records do not tell; `ending`: allowed still, and not for long. */
export type Kind = 'denied' | 'unproven' | 'ending' | 'allowed';
type What = {
  asked: RecordedRequest;
  subject: string;
  api: string;
  operation: string;
  grants: Iterable<string>;
  why: string;
};
type Counts = Pick<Replay['requests'], 'replayed' | 'allowed' | 'lapsed'>;
type Gathered = Omit<Effect, 'grants'> & { grants: Set<string> };

/** Adds up what becomes of requests, by caller and operation. */
export type Tally = {
  /** A request that both revisions decided; whether base allows it. */
  count(asked: RecordedRequest, allowed: boolean): void;
  add(kind: Kind, what: What): void;
  skip(reason: Skipped['reason'], asked: RecordedRequest): void;
  /** Records that say nothing of what was asked. */
  skipUnread(requests: number): void;
  result(): Record<Kind, Effects> & { skipped: Skipped[]; counts: Counts };
};

export function createTally(): Tally {
  const kinds: Record<Kind, Map<string, Gathered>> = {
    denied: new Map(),
    unproven: new Map(),
    ending: new Map(),
    allowed: new Map(),
  };
  const skipped = new Map<string, Skipped>();
  const counts = { replayed: 0, allowed: 0, lapsed: 0 };
  const addSkipped = ({ requests, allowed, ...place }: Skipped) => {
    const key = placeOf(place);
    const known = skipped.get(key) ?? { ...place, requests: 0, allowed: 0 };
    known.requests += requests;
    known.allowed += allowed;
    skipped.set(key, known);
  };
  return {
    count({ allow, requests }, allowed) {
      counts.replayed += requests;
      if (allowed) counts.allowed += requests;
      else if (allow) counts.lapsed += requests;
    },
    add(kind, { asked, subject, api, operation, grants, why }) {
      const { requests, first, last } = asked;
      const key = JSON.stringify([subject, api, operation, why]);
      const known = kinds[kind].get(key);
      if (known === undefined) {
        const effect = { subject, api, operation, requests, first, last, grants: new Set(grants), why };
        kinds[kind].set(key, effect);
        return;
      }
      known.requests += requests;
      known.first = Math.min(known.first, first);
      known.last = Math.max(known.last, last);
      for (const grant of grants) known.grants.add(grant);
    },
    skip(reason, { api, operation, requests, allow }) {
      const place = { reason, api: api ?? '', operation: operation ?? '' };
      addSkipped({ ...place, requests, allowed: allow ? requests : 0 });
    },
    skipUnread(requests) {
      if (requests > 0)
        addSkipped({ reason: 'record-incomplete', api: '', operation: '', requests, allowed: 0 });
    },
    result() {
      const effects = (kind: Kind): Effects => {
        const by = [...kinds[kind].values()]
          .map((one): Effect => ({ ...one, grants: [...one.grants].sort(compareCodePoints) }))
          .sort((a, b) => b.requests - a.requests || compareCodePoints(nameOf(a), nameOf(b)));
        const callers = new Set(by.map(({ subject }) => subject)).size;
        return { requests: sumOf(by), callers, by, more: 0 };
      };
      return {
        denied: effects('denied'),
        unproven: effects('unproven'),
        ending: effects('ending'),
        allowed: effects('allowed'),
        skipped: [...skipped.values()].sort(
          (a, b) => b.requests - a.requests || compareCodePoints(placeOf(a), placeOf(b)),
        ),
        counts,
      };
    },
  };
}

const nameOf = ({ subject, api, operation, why }: Effect) => [subject, api, operation, why].join('\n');
const placeOf = ({ reason, api, operation }: Pick<Skipped, 'reason' | 'api' | 'operation'>) =>
  [reason, api, operation].join('\n');
