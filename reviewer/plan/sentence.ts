import { accountStatus, personOf } from '../../bundle/access/accountStatus.ts';
import { counted, listed } from '../../bundle/format/counted.ts';
import { dayOf, daySeconds } from '../../bundle/format/times.ts';
import { fold } from '../../bundle/grants/names.ts';
import type { Grant } from '../../bundle/grants/organisation.ts';
import { isTold, ownersOf } from '../detect/accountFacts.ts';
import type { Verdict } from '../detect/detect.ts';
import { otherSideOf } from '../detect/duties.ts';
import { certifiedAt } from '../evidence/directory/certifiedAt.ts';
import type { Evidence } from '../evidence/gather.ts';

/** "ann@example.com", "the group billing", "the service invoicer". */
export function nameOf(principal: string): string {
  const colon = principal.indexOf(':');
  const [kind, name] = [principal.slice(0, colon), principal.slice(colon + 1)];
  return kind === 'user' ? name : `the ${kind} ${name}`;
}

const elapsed = (from: number, to: number) => counted(Math.floor((to - from) / daySeconds), 'day');
const refusedNone = (uses = 0) => `refused 0 of ${counted(uses, 'request')} on record`;
/** A login begins a sentence as it is written. */
const capital = (text: string) => text.replace(/^the /, 'The ');

/** What made its use possible at that time. */
function beginOf({ grantedAt, principal }: Grant, at: number, { history }: Evidence): string {
  // Its day is written in it, and the commit came at some hour of that.
  if (at <= grantedAt || dayOf(at) === dayOf(grantedAt)) return 'it was granted';
  if (at !== history.directories.reachedSince(principal)) return 'it was last widened or put back';
  if (principal.startsWith('service:')) return 'services.yaml first, or again, had it in use';
  return principal.startsWith('user:')
    ? 'the directory first, or again, had the account as active'
    : 'the directory first, or again, had somebody active in the group';
}

/** What is otherwise about a person than when the grant was last answered for. */
function moved(grant: Grant, { organisation, history }: Evidence): string {
  const before = history.directories.position(grant);
  const person = personOf(grant.principal, organisation);
  if (before === null || person === undefined) return '';
  const name = (group: string) => group.replace(/^group:/, '');
  const groups = new Set((organisation.memberships.get(grant.principal) ?? []).map(fold));
  const left = [...new Set(before.groups).difference(groups)].map(name);
  const joined = [...groups.difference(new Set(before.groups))].map(name);
  const manager = person.manager === undefined ? null : fold(person.manager);
  const said = [
    ...(left.length > 0 ? [`no more in ${listed(left)}`] : []),
    ...(joined.length > 0 ? [`now in ${listed(joined)}`] : []),
    ...(manager !== before.manager
      ? [`manager ${manager ?? 'nobody'}, not ${before.manager ?? 'nobody'}`]
      : []),
  ];
  return said.length === 0 ? '' : ` (${said.join('; ')})`;
}

/** Who is in a group now and was not when the grant was last answered for. */
function joined(grant: Grant, { members, history }: Evidence): string {
  const before = history.directories.memberNames(grant);
  if (before === null) return '';
  const known = new Set(before);
  const others = (members.get(grant.principal) ?? []).filter((name) => !known.has(fold(name)));
  return others.length === 0 ? '' : ` (new since: ${listed(others.map(nameOf).sort(), 6)})`;
}

/** Why somebody whom no directory knows may be there all the same. */
function maybeThere({ principal }: Grant, { brought, history: { directories } }: Evidence): string {
  const name = nameOf(principal);
  const unreadSince = directories.unreadSince(principal);
  if (unreadSince !== null)
    return `Since ${dayOf(unreadSince)} no directory is read that knew ${name}, for its file is gone`;
  const at = brought.get(fold(principal));
  if (at !== undefined)
    return `No directory knows ${name} any more, and yet tokens brought it, last on ${dayOf(at)}`;
  const awaited = directories.awaited(principal);
  return awaited.length > 0
    ? `No directory knows ${name} any more, and ${listed(awaited)} ${awaited.length === 1 ? 'was' : 'were'} not read since`
    : `No directory knows ${name}, and no records show that tokens do not bring it`;
}

/** Whether a group is there, and another one than it was. */
const isAnotherGroup = ({ principal }: Grant, { history: { directories } }: Evidence): boolean =>
  principal.startsWith('group:') &&
  directories.idChangedAt(principal) !== null &&
  directories.unreadSince(principal) === null &&
  (directories.absences(principal) ?? []).length === 0;

export type Reported = { report: Extract<Verdict, { verdict: 'report' }>; suspendedAt: number | null };

/** Says in plain English what access was found wanting, whose it is, and why. */
export function sentence({ report, suspendedAt }: Reported, evidence: Evidence): string {
  const { grant, detector, action, usage, duties, own, observed, companions = [] } = report;
  const { asOf, organisation, members, history } = evidence;
  const who = capital(nameOf(grant.principal));
  const access = `${grant.api} (${listed(grant.covers)})`;
  switch (detector) {
    case 'expired':
      return `The access of ${nameOf(grant.principal)} to ${access} ended on ${grant.expires}; it is denied already, and its entry only clutters the file.`;
    case 'never-used':
      return `${who} has not used the access to ${access} once in the ${elapsed(usage?.from ?? grant.grantedAt, asOf)} since ${beginOf(grant, usage?.from ?? grant.grantedAt, evidence)} on ${dayOf(usage?.from ?? grant.grantedAt)}.`;
    case 'dormant':
      if (action === 'revoke')
        return `The access of ${nameOf(grant.principal)} to ${access} has been suspended for ${elapsed(suspendedAt ?? asOf, asOf)}, since ${dayOf(suspendedAt ?? asOf)}, and nobody has asked for it back.`;
      return usage?.lastUsedAt == null
        ? `${who} has not used the access to ${access} for at least ${elapsed(usage?.from ?? asOf, asOf)}.`
        : `${who} has not used the access to ${access} for ${elapsed(usage.lastUsedAt, asOf)}, since ${dayOf(usage.lastUsedAt)}.`;
    case 'orphan-disabled':
      return `The account of ${nameOf(grant.principal)} is ${accountStatus(grant.principal, organisation)}, yet it keeps a grant of ${access}, which holds again the moment the account does.`;
    case 'over-privileged': {
      const unused = grant.covers.filter((operation) => usage?.operations.includes(operation) !== true);
      return `${who} used ${grant.covers.length - unused.length} of the ${grant.covers.length} operations granted on ${grant.api} in ${elapsed(usage?.from ?? asOf, asOf)} (${counted(usage?.allows ?? 0, 'allowed request')} on ${counted(usage?.daysUsed ?? 0, 'day')}); not ${listed(unused)}.`;
    }
    case 'expiring':
      return `The access of ${nameOf(grant.principal)} to ${access} ends on ${grant.expires}; merging this prolongs it, closing it lets it lapse.`;
    case 'orphan-missing':
      if (action === 'recertify' && isAnotherGroup(grant, evidence))
        return `The name ${nameOf(grant.principal)} is another group's since ${dayOf(history.directories.idChangedAt(grant.principal) ?? asOf)}, whose members have the access to ${access} that was given to the one that was.`;
      if (action === 'recertify')
        return `${maybeThere(grant, evidence)}: whether the access to ${access} is still meant nobody here can tell.`;
      return history.directories.idChangedAt(grant.principal) === null ||
        history.directories.absences(grant.principal) !== null
        ? `No directory knows ${nameOf(grant.principal)} any more, and the grant still names it for ${access}.`
        : `The login ${nameOf(grant.principal)} belongs to another person since ${dayOf(history.directories.idChangedAt(grant.principal) ?? asOf)}, and the grant for ${access} was not meant for them.`;
    case 'ownerless': {
      const lost = ownersOf(grant, organisation).filter(
        (one) => history.directories.ownerlessSince(one) !== null,
      );
      const told = lost.find((one) => isTold(one, evidence));
      const owner = told ?? lost[0] ?? grant.owner;
      const since = history.directories.ownerlessSince(owner) ?? asOf;
      const wanting =
        told === undefined
          ? 'No directory tells whether anybody is behind'
          : `Since ${dayOf(since)} at the latest nobody active is behind`;
      return `${wanting} ${nameOf(owner)}, who is to answer for the access of ${nameOf(grant.principal)} to ${access}.`;
    }
    case 'redundant':
      return `${who} would keep all of its use of ${access} by ${companions.length === 0 ? 'another grant' : listed(companions, 4, 'or')}, which justified every request of the last ${elapsed(usage?.from ?? asOf, asOf)} too.`;
    case 'high-access':
      return `Nobody has answered for the access of ${nameOf(grant.principal)} to ${access} for ${elapsed(certifiedAt(grant), asOf)}, since ${dayOf(certifiedAt(grant))}.`;
    case 'mover':
      return `${who} has other groups or another manager than on ${dayOf(certifiedAt(grant))}${moved(grant, evidence)}, when the access to ${access} was last answered for.`;
    case 'growth':
      return `${who} reaches ${counted(members.get(grant.principal)?.length ?? 0, 'person or service', 'people and services')}, ${history.directories.members(grant) ?? 0} on ${dayOf(certifiedAt(grant))}${joined(grant, evidence)}, when its access to ${access} was last answered for.`;
    case 'separation-of-duties': {
      const given = [...new Set(duties.flatMap(({ operations }) => operations))];
      const holders = [...new Set(duties.flatMap((duty) => duty.holders))];
      const others = duties.flatMap((duty) => otherSideOf(duty, grant, evidence));
      const by = others.map((other) => `${listed(other.operations)} by ${other.grant}`);
      return `By this grant ${listed(holders.map(nameOf))} may do ${listed(given)} on ${grant.api}, and ${holders.length === 1 ? 'holds' : 'hold'} the other side of ${listed(duties.map(({ name }) => name))} too${by.length === 0 ? '' : ` (${listed([...new Set(by)])})`}.`;
    }
    case 'rate-limit':
      return `Nobody asked for ${access} by the grant of ${nameOf(grant.principal)} more than ${counted(observed?.busiest ?? 0, 'time')} in a minute; a rate of ${observed?.rate} would have ${refusedNone(observed?.uses)}.`;
    case 'second-factor':
      return `Every one of the ${counted(observed?.uses ?? 0, 'request')} by which ${nameOf(grant.principal)} used ${access} had a second factor; asking for one would have ${refusedNone(observed?.uses)}.`;
    case 'known-networks':
      return `All that ${nameOf(grant.principal)} did on ${access} came from ${listed(observed?.networks ?? [])}; allowing it from there alone would have ${refusedNone(observed?.uses)}.`;
    case 'smaller-group':
      return `Of ${counted(members.get(grant.principal)?.length ?? 0, 'member')} of ${nameOf(grant.principal)} only some used ${access}, all of them of ${nameOf(observed?.principal ?? grant.principal)} (${observed?.members}); giving it to these alone would have ${refusedNone(observed?.uses)}.`;
    case 'one-off':
      return `${who} used ${access} from ${dayOf(observed?.first ?? asOf)} to ${dayOf(observed?.last ?? asOf)} and not since, and the grant has no end; with one, it lapses unless somebody still needs it.`;
    default:
      return own?.sentence ?? `${detector}: the access of ${nameOf(grant.principal)} to ${access}.`;
  }
}
