import { fold } from '../../../bundle/grants/names.ts';
import type { GrantEntry } from '../../../bundle/grants/schema.ts';
import { type ApiThen, coversOf, noApi } from './apiThen.ts';
import { grew, isWider, restDays } from './grew.ts';
import type { Instant } from './notes.ts';

type Apis = ReadonlyMap<string, ApiThen>;

const apiIn = (apis: Apis, { api }: GrantEntry) => apis.get(api) ?? noApi;

/** Which of its instants a change to a grant renews, made at `at` while APIs became what they were `after`. */
export function renewedBy(
  old: GrantEntry,
  now: GrantEntry,
  { at, before, after }: { at: number; before: Apis; after: Apis },
): Instant[] {
  const renewed: Instant[] = [];
  const isWidened = isWider(coversOf(old, apiIn(before, old)), coversOf(now, apiIn(after, now)));
  // Of what is to be used more often nobody expected use so soon before.
  if (grew(old, now, at) || isWidened || restDays(now) < restDays(old)) renewed.push('grownAt');
  if (fold(old.principal) !== fold(now.principal)) renewed.push('heldAt');
  if (fold(old.owner) !== fold(now.owner)) renewed.push('ownedAt');
  return renewed;
}
