import { accountStatus } from '../../../bundle/access/accountStatus.ts';
import type { Idle } from '../../../bundle/access/openAccess.ts';
import { counted } from '../../../bundle/format/counted.ts';
import type { Grant, Organisation } from '../../../bundle/grants/organisation.ts';
import { code } from '../../forge/markdown.ts';
import type { Losses } from '../../plan/losses.ts';
import { nameOf } from '../../plan/sentence.ts';

const mostPeople = 20;

export type At = {
  organisation: Organisation;
  /** Seconds since 1970. */
  asOf: number;
};

/** People are counted as people, where there are only people. */
const kindOf = (losing: readonly { principal: string }[], many = false) =>
  losing.every(({ principal }) => principal.startsWith('user:'))
    ? many
      ? 'people'
      : 'person'
    : many
      ? 'people and services'
      : 'service';

/** Why a grant gives nobody anything today. */
function idleWhy(idle: Idle, grant: Grant | undefined, organisation: Organisation): string {
  if (grant === undefined) return 'the grant is gone';
  if (idle === 'expired') return 'the grant has expired';
  if (idle === 'suspended') return 'the grant is suspended';
  const status = accountStatus(grant.principal, organisation);
  return status === null ? 'it reaches nobody active by the directory' : `the account is ${status}`;
}

/** Some people and services by name, with what is theirs where not all of it is everybody's. */
function named(who: Losses['losing'], all: number): string {
  const alike = who.every(({ operations }) => operations.length === all);
  const some = who
    .slice(0, mostPeople)
    .map(({ principal, operations }) =>
      alike ? code(nameOf(principal)) : `${code(nameOf(principal))} (${operations.map(code).join(', ')})`,
    );
  return `${some.join(', ')}${who.length > mostPeople ? ` and ${who.length - mostPeople} more` : ''}`;
}

/** Who can do less once the grant is changed, in a sentence; `lost` is undefined when the grant is gone. */
export function whoLoses(
  grant: Grant | undefined,
  lost: Losses | undefined,
  { organisation }: Pick<At, 'organisation'>,
): string {
  const { operations, losing, restricted, keeping, idle } = lost ?? gone;
  const what = operations.map(code).join(', ');
  if (idle !== null)
    return `Nobody today, for ${idleWhy(idle, grant, organisation)}.${what === '' ? '' : ` It named ${what}.`}`;
  const kept =
    keeping === 0 ? '' : ` ${counted(keeping, 'other keeps', 'others keep')} it all without this grant.`;
  const less =
    restricted.length === 0
      ? ''
      : ` ${counted(restricted.length, `${kindOf(restricted)} keeps`, `${kindOf(restricted, true)} keep`)} it under stricter conditions, less often or for a shorter time: ${named(restricted, operations.length)}.`;
  if (losing.length === 0 && restricted.length === 0)
    return what === ''
      ? 'Nobody: the grant stays as far as it reaches today.'
      : `Nobody: ${keeping === 1 ? 'the one' : `all ${keeping}`} it reaches can do the same without it. It takes away ${what}.`;
  if (losing.length === 0) return `Nobody loses it altogether.${less}${kept}`;
  return `${counted(losing.length, kindOf(losing), kindOf(losing, true))} can no longer do ${what}: ${named(losing, operations.length)}.${less}${kept}`;
}

const gone: Losses = { operations: [], losing: [], restricted: [], keeping: 0, idle: 'nobody' };
