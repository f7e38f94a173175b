import type { DemoPull, Loop } from '../startLoop.ts';
import { type Callable, callable } from './callable.ts';
import { TourError } from './tourError.ts';

const removals: ReadonlySet<string> = new Set(['delete', 'revoke', 'suspend']);

/**
 * The first open pull request that takes away a grant which somebody can use at this moment, and by no other. `now`: ms
 * since 1970. Throws TourError where there is none.
 */
export function chooseRevocation(loop: Loop, now: number): { pull: DemoPull; call: Callable } {
  for (const { grant: id, action } of loop.plan.findings) {
    const pull = loop.pulls.find(({ grants }) => grants.includes(id));
    const grant = loop.organisation.grants.find((candidate) => candidate.id === id);
    if (pull === undefined || grant === undefined || !removals.has(action)) continue;
    const call = callable(loop.organisation, grant, now / 1000);
    if (call !== null && !coveredOtherwise(loop, call)) return { pull, call };
  }
  throw new TourError('no pull request takes away a grant that is in use');
}

/** Whether the caller could do the same by a second grant: then taking the first away changes nothing to see. */
function coveredOtherwise({ organisation }: Loop, { login, grant, operation }: Callable): boolean {
  const holders = new Set([`user:${login}`, ...(organisation.memberships.get(`user:${login}`) ?? [])]);
  return organisation.grants.some(
    ({ id, api, principal, covers }) =>
      id !== grant.id && api === grant.api && holders.has(principal) && covers.includes(operation),
  );
}

/** Up to 40 healthy grants, each with a request that it alone or another healthy one allows. */
export function everybodyElse({ organisation, pulls }: Loop, now: number): Callable[] {
  const proposed = new Set(pulls.flatMap(({ grants }) => grants));
  const calls: Callable[] = [];
  for (const grant of organisation.grants) {
    if (proposed.has(grant.id) || grant.limits !== undefined) continue;
    const call = callable(organisation, grant, now / 1000);
    if (call !== null) calls.push(call);
  }
  return calls.slice(0, 40);
}
