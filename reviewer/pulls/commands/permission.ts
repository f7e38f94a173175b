import { personOf } from '../../../bundle/access/accountStatus.ts';
import { soleHolder } from '../../../bundle/access/soleHolder.ts';
import { fold } from '../../../bundle/grants/names.ts';
import type { Organisation } from '../../../bundle/grants/organisation.ts';
import { answeringInPlace } from '../../asking/answering.ts';
import { code } from '../../forge/markdown.ts';
import type { Entry } from '../text/marker.ts';
import type { Verb } from './parse.ts';

/**
 * Who comments: the forge's name, what the directory at the base calls them, whether they may push, and whether the review
 * has asked them in the place of others.
 */
export type Commenter = { login: string; principal: string | null; mayWrite: boolean; isAsked?: boolean };

const same = (one: string, other: string) => one.toLowerCase() === other.toLowerCase();

/** All whom directories call by the forge's name. */
const calledBy = (login: string, { people }: Pick<Organisation, 'people'>) =>
  // Whose account is gone has no name, and so have those of whom the directory does not say it.
  login === ''
    ? []
    : [...people.values()].filter(({ github, provider, login: known }) =>
        same(github ?? (provider === 'github' ? known : ''), login),
      );

/** Finds an active person of the directory by the forge's name; null when nobody, or more than one, has it. */
export function principalOf(login: string, { people }: Pick<Organisation, 'people'>): string | null {
  const found = calledBy(login, { people }).filter(({ status }) => status === 'active');
  const [one] = found;
  return found.length === 1 && one !== undefined ? `user:${one.login}` : null;
}

const keeps: ReadonlySet<Verb> = new Set(['keep', 'extend', 'narrow', 'reassign']);

/**
 * What is written of who decided: the person of the directory; of another the forge's name, told apart from whomever a
 * directory calls so, for it would be their word then.
 */
export const principalFor = (
  { login, principal }: Pick<Commenter, 'login' | 'principal'>,
  { people }: Pick<Organisation, 'people'>,
): string => {
  const isTaken = () => [...people.keys()].some((known) => fold(known) === fold(login));
  return principal ?? `user:${login}${isTaken() ? ' (on the forge)' : ''}`;
};

/**
 * Says why somebody may not decide about a grant; null when they may. Owners may, by the directory at the base,
 * those whom the review asked in their place, and whoever may push; not whose account the directory has as closed, whatever the forge still lets them. Nobody keeps access
 * of their own: taking it away is anybody's right.
 */
export function refusal(
  { login, principal, mayWrite, isAsked = false }: Commenter,
  verb: Verb,
  { grant: id }: Pick<Entry, 'grant'>,
  { grants, ...known }: Pick<Organisation, 'grants' | 'people' | 'services' | 'memberships' | 'apis'>,
): string | null {
  const grant = grants.find((known) => known.id === id);
  if (grant === undefined) return `\`${id}\` is not granted any more`;
  const called = calledBy(login, known);
  if (called.length > 0 && called.every(({ status }) => status !== 'active'))
    return `the directory has the account of ${code(login)} as closed: it decides nothing`;
  const person = personOf(grant.principal, known);
  // A name that two have is still theirs: whoever gives it to another has not given up what is their own.
  const names = [...called.map((one) => `user:${one.login}`), ...(principal === null ? [] : [principal])];
  const holder = soleHolder(grant.principal, known);
  const isTheirs =
    (holder !== null && names.includes(holder)) ||
    (grant.principal.startsWith('user:') && same(person?.github ?? person?.login ?? '', login));
  const owns =
    principal !== null &&
    (grant.owner === principal || known.memberships.get(principal)?.includes(grant.owner) === true);
  if (keeps.has(verb) && isTheirs)
    return `\`${id}\` is your own access: somebody else who answers for it decides to keep it`;
  if (owns || mayWrite) return null;
  // A comment says who was asked: the directory, whether they are one who may be.
  const mayBeAsked = () => answeringInPlace({ owner: grant.owner, entries: [grant] }, known);
  if (isAsked && principal !== null && mayBeAsked().includes(principal)) return null;
  return `\`${id}\` is ${code(grant.owner)}'s: only its owner, by the directory, whoever was asked here in their place, or who may push here decides about it`;
}
