import { isDeepStrictEqual } from 'node:util';
import { anonymous } from '../../bundle/data/anonymous.ts';
import type { Decision } from '../../gateway/decision/decision.ts';
import { sameLines } from '../../gateway/revision/slices.ts';
import type { RecordedRequest, Requests } from '../evidence/requests.ts';
import { stopIfAborted } from '../reviewError.ts';
import { createTally, type Tally } from './createTally.ts';
import { type Answer, type Effect, effectsOf } from './effectsOf.ts';
import { createFindOperation, type Found } from './findOperation.ts';
import { narrowedAuthentication, narrowedCredentials } from './narrowedCredentials.ts';
import { createPlacesOf, type Networks } from './placesOf.ts';
import type { Replay } from './replay.ts';
import type { Side } from './side.ts';
import { isFactUntold, statedBy } from './statedBy.ts';
import { type World, worldsOf } from './worlds.ts';

type Options = {
  /** Folded. */
  requests: Requests;
  base: Side;
  /** How networks were declared, by era; null: nobody knows. */
  eras: readonly (Networks | null)[];
  /** Whole seconds since 1970: when the requests come again. */
  asOf: number;
  /** The share of the window that must be covered. */
  coverage: number;
  signal?: AbortSignal | undefined;
};

/** Replays the same requests against one revision after another. */
export type Replayer = (head: Side) => Promise<Replay>;

const week = 604_800;
/** So many ends of grants are looked at in turn. */
const mostEnds = 16;

/**
 * Makes ready to replay folded requests of the records against any number of heads: what base says of each is kept for the
 * next. Throws ReviewError `aborted`.
 */
export function createReplayer({ requests, base, eras, asOf, coverage, signal }: Options): Replayer {
  const find = createFindOperation(base.snapshot.apis);
  /** Of each request, in their order, whether base allows it; once it is known. */
  const allowedByBase: (boolean | undefined)[] = [];
  return async (head) => {
    const tally = createTally();
    const decidePair = createDecidePair({ base, head, eras, asOf, allowedByBase });
    const findNext = createFindOperation(head.snapshot.apis);
    const isMoved = movedApis(base, head);
    let place = -1;
    for await (const some of requests.each()) {
      stopIfAborted(signal);
      for (const asked of some) {
        place += 1;
        const { subject, api, operation } = asked;
        if (!isSubject(subject) || api === null || operation === null) {
          tally.skip('record-incomplete', asked);
          continue;
        }
        const direct = find.byPath(api, asked);
        // Where an operation has moved since, its callers have moved with it.
        const was = direct ?? find.byName(api, asked);
        if (was === null) {
          tally.skip('operation-unknown', asked);
          continue;
        }
        const is = direct === null ? findNext.byName(api, asked) : findNext.byPath(api, asked);
        if (is === null) tally.skip('operation-removed', asked);
        else if (isMoved(api)) tally.skip('route-changed', asked);
        else decidePair({ asked, place, subject, was, is }, tally);
      }
    }
    const { records, unreadable, window } = requests;
    tally.skipUnread(unreadable);
    const { denied, unproven, ending, allowed, skipped, counts } = tally.result();
    return {
      ...{ base: base.revision, head: head.revision, asOf, window },
      covered: window.coverage >= coverage,
      requests: { recorded: records, ...counts },
      ...{ denied, unproven, ending, allowed, skipped },
    };
  };
}

const isSubject = (subject: string | null): subject is string =>
  subject !== null && (subject === anonymous || /^(?:user|service):./s.test(subject));

/** Whether anybody may call it: then nobody is asked who does. */
const isOpen = ({ snapshot }: Side, { route: { api, operation } }: Found): boolean =>
  snapshot.apis.get(api)?.public?.includes(operation) === true;

/** APIs that are reached by another address: nobody knows whether their callers follow. */
function movedApis(base: Side, head: Side): (api: string) => boolean {
  const known = new Map<string, boolean>();
  return (api) => {
    let moved = known.get(api);
    if (moved === undefined) {
      moved = !isDeepStrictEqual(base.snapshot.apis.get(api)?.route, head.snapshot.apis.get(api)?.route);
      known.set(api, moved);
    }
    return moved;
  };
}

type Pair = { asked: RecordedRequest; place: number; subject: string; was: Found; is: Found };
type Sides = {
  base: Side;
  head: Side;
  eras: readonly (Networks | null)[];
  asOf: number;
  allowedByBase: (boolean | undefined)[];
};

/** Decides one folded request by both revisions, and counts what becomes of it. */
function createDecidePair({ base, head, eras, asOf, allowedByBase }: Sides) {
  const networks = { base: base.snapshot.networks, head: head.snapshot.networks };
  const places = [null, ...eras].map((then) => ({
    base: createPlacesOf(then, networks.base),
    head: createPlacesOf(then, networks.head),
  }));
  const isAlike = alikeOf(base, head);
  const lessKnown = narrowedCredentials(base.snapshot.credentials, head.snapshot.credentials);
  const fewerWays = narrowedAuthentication(base.snapshot.apis, head.snapshot.apis);
  // What a record leaves open is open in the same ways, then.
  const sameNetworks = isDeepStrictEqual(networks.base, networks.head);
  const timed = base.snapshot.reads.clock || head.snapshot.reads.clock;

  /** Asks one side of a request, in one way in which it may have been made. */
  const createAsk = ({ asked, subject }: Pair) => {
    const stated = statedBy(asked);
    const { groups } = asked;
    return (side: Side, found: Found, { world, time }: { world: World; time: number }): Decision =>
      side.decide({
        ...found,
        identity: isOpen(side, found)
          ? { subject: anonymous, groups: null, mfa: false, expiresAt: null }
          : { subject, groups, mfa: world.mfa, expiresAt: null },
        networks: side === base ? world.base : world.head,
        time,
        stated,
      });
  };

  /** What changes of a request that both allow: how its caller may prove who it is, or when it ends. */
  const laterEffect = (
    { subject, was, is }: Pair,
    kept: readonly Answer[],
    { same, time, ask }: { same: boolean; time: number; ask: ReturnType<typeof createAsk> },
  ): Pick<Effect, 'kind' | 'why'> | null => {
    if (lessKnown.has(subject)) return { kind: 'unproven', why: 'credentials' };
    if (fewerWays(was.route.api)) return { kind: 'unproven', why: 'authentication' };
    if (same || timed) return null;
    const end = endOf(kept, time, (world, at) => ({
      before: ask(base, was, { world, time: at }).result.allow,
      after: ask(head, is, { world, time: at }),
    }));
    return end === null ? null : { kind: 'ending', why: String(end) };
  };

  return (pair: Pair, tally: Tally): void => {
    const { asked, place, subject, was, is } = pair;
    const { groups, era, timeOfWeek } = asked;
    const here = places[era + 1] ?? places[0];
    if (here === undefined) return;
    const same = was.method === is.method && sameRoute(was, is) && isAlike(was.route.api, subject, groups);
    const isWeakened = () => lessKnown.has(subject) || fewerWays(was.route.api);
    const known = same && sameNetworks ? allowedByBase[place] : undefined;
    if (known === false || (known === true && !isWeakened())) {
      tally.count(asked, known);
      return;
    }
    const what = { asked, subject, api: was.route.api, operation: was.route.operation };
    if (
      isFactUntold(base.snapshot, was.route, asked) ||
      isFactUntold(head.snapshot, is.route, asked, base.snapshot)
    ) {
      // What was decided then is all that is known; where nothing has changed, it is decided so again.
      tally.count(asked, asked.allow);
      const kind = asked.allow ? 'unproven' : 'allowed';
      if (!same || !sameNetworks || isWeakened()) tally.add(kind, { ...what, grants: [], why: 'facts' });
      return;
    }
    const time = timeOfWeek === null ? asOf : nextInWeek(timeOfWeek, asOf);
    const ask = createAsk(pair);
    const inside = { base: here.base(asked.networks), head: here.head(asked.networks) };
    const answers = worldsOf(asked, inside, networks).map((world): Answer => {
      const before = ask(base, was, { world, time });
      return { world, before, after: same ? before : ask(head, is, { world, time }) };
    });
    const { isAllowed, grants, effects, kept } = effectsOf(answers, asked);
    if (sameNetworks) allowedByBase[place] = isAllowed;
    tally.count(asked, isAllowed);
    for (const { kind, ...effect } of effects) tally.add(kind, { ...what, ...effect });
    const later = kept.length === 0 ? null : laterEffect(pair, kept, { same, time, ask });
    if (later !== null) tally.add(later.kind, { ...what, grants, why: later.why });
  };
}

const sameRoute = (was: Found, is: Found) =>
  was.route.operation === is.route.operation && was.route.template === is.route.template;

/** The first instant from `asOf` on at this time of the week. */
function nextInWeek(timeOfWeek: number, asOf: number): number {
  const at = Math.floor(asOf / week) * week + timeOfWeek;
  return at < asOf ? at + week : at;
}

/** Whether a decision must come out the same by the bytes it rests on; asked once of each caller and API. */
function alikeOf(base: Side, head: Side) {
  let last = { key: '', alike: false };
  return (api: string, subject: string, groups: readonly string[] | null): boolean => {
    const key = JSON.stringify([api, subject, groups]);
    if (key !== last.key)
      last = { key, alike: sameLines(base.snapshot, head.snapshot, api, subject, groups ?? undefined) };
    return last.alike;
  };
}

/** When head, of what both allow, begins to deny what base still allows; null when it never does. */
function endOf(
  answers: readonly Answer[],
  time: number,
  ask: (world: World, at: number) => { before: boolean; after: Decision },
): number | null {
  let found: number | null = null;
  for (const { world, after: first } of answers) {
    let after = first;
    for (let turn = 0, at = time; turn < mostEnds && after.result.allow; turn += 1) {
      at = after.holds.until;
      if (!Number.isFinite(at)) break;
      const next = ask(world, at);
      after = next.after;
      if (!after.result.allow && next.before) found = found === null ? at : Math.min(found, at);
    }
  }
  return found;
}
