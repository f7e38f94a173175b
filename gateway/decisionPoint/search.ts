import { setImmediate } from 'node:timers/promises';
import { compareCodePoints } from '../../bundle/format/canonicalJson.ts';
import { type PolicyReads, sourcesDigest } from '../../bundle/policy/examine/policyReads.ts';
import { builtIn } from '../../bundle/policy/policies.ts';
import { createDecider } from '../decision/decider.ts';
import type { Decide, Question } from '../decision/decision.ts';
import { isPublic } from '../identity/identify.ts';
import { routeOf } from '../request/routeOf.ts';
import { grantsOn } from '../revision/grantsOn.ts';
import { createSlices, type Slices } from '../revision/slices.ts';
import type { Snapshot } from '../revision/snapshot.ts';
import type { Search } from './authzenRequest.ts';
import { createHolders } from './holders.ts';
import { type Asked, objectParameter, questionOf } from './question.ts';
import { readPage, tokenOf } from './searchPage.ts';

/** A subject, a resource or an action, as AuthZEN has them. */
export type FoundEntity = { type: string; id: string } | { name: string };

/** What AuthZEN calls a Search API Response; `page` is there when it does not hold everything, or was asked for. */
export type SearchAnswer = { page?: { next_token: string; count: number }; results: readonly FoundEntity[] };

/** What might be found, in order: names are made when they are looked at, as there may be many. */
type Candidates = { count: number; nameOf: (at: number) => string; asked: (name: string) => Asked };

/** As many answers of the policy does one page cost at most; a page may then be short, or empty, and goes on. */
const mostDecisions = 1000;
/** Of these in one turn of the event loop: requests wait for no more than that, about 1 ms. */
const decisionsOfATurn = 10;

/** What searches in one snapshot need. It has slices and a policy of its own: who is asked about pushes no caller out. */
type Searched = {
  snapshot: Snapshot;
  decide: Decide;
  slices: Slices;
  holders: ReturnType<typeof createHolders>;
};

/**
 * Finds who may do something, where, or what, as OpenID AuthZEN's Search APIs say. Candidates come from the lines of the
 * bundle, looked up by what is asked; each is then decided by the policy, so that a result is exactly what an
 * evaluation would allow. Only people and services of the directory are found. Nothing of it is on record: nobody has
 * called anything. Throws Refusal 400 for a token of another question.
 */
export function createSearch(now: () => number) {
  // Held as long as its snapshot is in force: nothing of it must keep the lines of an old revision.
  const opened = new WeakMap<Snapshot, Searched>();
  let builtInSources: Promise<string> | null = null;

  const searchedIn = (snapshot: Snapshot): Searched => {
    const before = opened.get(snapshot);
    if (before !== undefined) return before;
    const { lines, reads } = snapshot;
    if (lines.walk === null) throw new Error('never: what is in force can be walked');
    const slices = createSlices({ lines, reads }, { maxBytes: 4 * 2 ** 20 });
    const { decide } = createDecider(snapshot, slices);
    const searched = { snapshot, decide, slices, holders: createHolders(lines.walk) };
    opened.set(snapshot, searched);
    return searched;
  };

  /** The policy that comes with the product allows nothing but what a grant of the caller names. */
  const isStandard = async ({ sources }: PolicyReads): Promise<boolean> => {
    builtInSources ??= builtIn('authz').then(sourcesDigest);
    return sources.includes(await builtInSources);
  };

  return async (snapshot: Snapshot, search: Search): Promise<SearchAnswer> => {
    const atMs = now();
    const searched = searchedIn(snapshot);
    const { limit, after } = readPage(search);
    const standard = await isStandard(snapshot.reads);
    const candidates = await candidatesOf(searched, search, standard);
    const allows = createAllows(searched, standard);

    const results: FoundEntity[] = [];
    let next =
      after === null ? 0 : lowerBound(candidates.count, (one) => isBehind(candidates.nameOf(one), after));
    let last = after;
    for (let decisions = 0; next < candidates.count; next += 1, decisions += 1) {
      if (results.length === limit || decisions === mostDecisions) break;
      if (decisions > 0 && decisions % decisionsOfATurn === 0) await setImmediate();
      last = candidates.nameOf(next);
      const question = questionOf(snapshot, candidates.asked(last), atMs);
      if (typeof question !== 'string' && allows(question)) results.push(foundAs(search, last));
    }
    const isAll = next >= candidates.count;
    if (isAll && search.page === null) return { results };
    const token = isAll ? '' : tokenOf(search, { after: last, limit });
    return { page: { next_token: token, count: results.length }, results };
  };
}

/**
 * Asks the policy. The one that comes with the product looks only names up: who holds nothing but what the same groups
 * hold is answered alike, so that the members of a group cost one decision.
 */
function createAllows(
  { snapshot, slices, decide }: Searched,
  isStandard: boolean,
): (question: Question) => boolean {
  const known = new Map<string, boolean>();
  const heldAlike = ({
    identity: { subject },
    route: { api, operation },
    stated,
  }: Question): string | null => {
    const principal = slices.principal(subject);
    if (!isStandard || principal === null || snapshot.lines.grants(api, subject) !== null) return null;
    const holders = principal.groups.filter((name) => snapshot.lines.grants(api, name) !== null);
    return JSON.stringify([api, operation, [...(stated?.params ?? [])], principal.active, ...holders]);
  };
  return (question) => {
    const key = heldAlike(question);
    const before = key === null ? undefined : known.get(key);
    if (before !== undefined) return before;
    const { allow } = decide(question).result;
    if (key !== null) known.set(key, allow);
    return allow;
  };
}

async function candidatesOf(
  { snapshot, slices, holders }: Searched,
  search: Search,
  isStandard: boolean,
): Promise<Candidates> {
  const { kind, type, subject, api, operation } = search;
  const listed = (names: readonly string[], asked: Candidates['asked']): Candidates => ({
    count: names.length,
    nameOf: (at) => names[at] ?? '',
    asked,
  });
  const holdsAt = (name: string): boolean =>
    !isStandard ||
    (subject !== null &&
      [subject, ...(slices.principal(subject)?.groups ?? [])].some((one) =>
        snapshot.lines.grants(name, one),
      ));
  const isOpen = (one: string, name: string) => isPublic(snapshot, { api: one, operation: name });
  const nothing = listed([], () => ({ ...search, operation: '' }));

  if (kind === 'action') {
    if (api === null) return nothing;
    const names = Object.keys(snapshot.apis.get(api)?.operations ?? {})
      .filter((name) => isOpen(api, name) || holdsAt(api))
      .sort(compareCodePoints);
    return listed(names, (name) => ({ ...search, operation: name }));
  }
  if (operation === null) return nothing;
  if (kind === 'resource') {
    if (type !== 'api')
      return listed(objectsHeld({ snapshot, slices }, search, operation), (name) => ({
        ...search,
        api: type,
        object: name,
        operation,
      }));
    const names = [...snapshot.apis]
      .filter(
        ([name, { operations }]) =>
          Object.hasOwn(operations, operation) && (isOpen(name, operation) || holdsAt(name)),
      )
      .map(([name]) => name)
      .sort(compareCodePoints);
    return listed(names, (name) => ({ ...search, api: name, operation }));
  }
  if (api === null || (type !== 'user' && type !== 'service')) return nothing;
  if (questionOf(snapshot, { ...search, subject: `${type}:x`, operation }, 0) === 'no-such-operation')
    return nothing;
  // A policy of one's own may allow somebody who holds nothing there, by data or facts.
  const lines =
    isOpen(api, operation) || !isStandard ? holders.everybody() : await holders.of(api, operation);
  // Names stand in the order of their bytes: services, then users.
  const from = lowerBound(lines.length, (at) => holders.nameOf(lines[at] ?? 0) >= `${type}:`);
  const to = lowerBound(lines.length, (at) => holders.nameOf(lines[at] ?? 0) >= `${type};`);
  return {
    count: to - from,
    nameOf: (at) => holders.nameOf(lines[from + at] ?? 0),
    asked: (name) => ({ ...search, subject: name, operation }),
  };
}

/** The objects of an API that grants of the subject name, themselves or by a claim: all others have no names here. */
function objectsHeld(
  { snapshot, slices }: Pick<Searched, 'snapshot' | 'slices'>,
  { type: api, subject, stated }: Search,
  operation: string,
): string[] {
  const found = routeOf(snapshot.apis, api, operation);
  const parameter = found === null ? null : objectParameter(found.route.template);
  if (parameter === null || subject === null) return [];
  const groups = slices.principal(subject)?.groups ?? [];
  const lines = [subject, ...groups].flatMap((name) => snapshot.lines.grants(api, name) ?? []);
  const names = lines.flatMap((line) =>
    grantsOn(line).flatMap(({ conditions }) => {
      const wanted = conditions?.params?.[parameter];
      return wanted === undefined ? [] : 'claim' in wanted ? (stated.claims.get(wanted.claim) ?? []) : wanted;
    }),
  );
  return [...new Set(names)].sort(compareCodePoints);
}

function foundAs({ kind, type }: Search, name: string): FoundEntity {
  if (kind === 'action') return { name };
  return { type, id: kind === 'subject' ? name.slice(type.length + 1) : name };
}

const isBehind = (name: string, after: string): boolean => compareCodePoints(name, after) > 0;

/** The first of `count` for which a condition holds that holds for all after it. */
function lowerBound(count: number, holds: (at: number) => boolean): number {
  let [low, high] = [0, count];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (holds(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}
