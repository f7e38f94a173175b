import { personOf } from '../../../bundle/access/accountStatus.ts';
import { peopleBehind } from '../../../bundle/access/peopleBehind.ts';
import { soleHolder } from '../../../bundle/access/soleHolder.ts';
import { endOf } from '../../../bundle/grants/dates.ts';
import { fold } from '../../../bundle/grants/names.ts';
import type { Grant, Organisation } from '../../../bundle/grants/organisation.ts';
import { code } from '../../forge/markdown.ts';
import { type Decision, isSaid } from '../text/decision.ts';
import type { Entry, Marker } from '../text/marker.ts';
import { type Command, clipped } from './parse.ts';
import { type Commenter, principalFor, refusal } from './permission.ts';

/** What commands make of a pull request: its entries, those that go into their own, and what to answer. */
export type CommandsOutcome = {
  entries: readonly Entry[];
  split: readonly Entry[];
  replies: readonly string[];
  /** Whose word was replaced by another's. */
  notes: readonly string[];
};

type Context = {
  who: Commenter;
  /** When it was said, `2026-11-23T12:00:00Z`. */
  at: string;
  marker: Pick<Marker, 'as_of'> & { entries: readonly Entry[] };
  organisation: Organisation;
};

/** Detectors whose word a keep does not silence: the account is gone, or the grant has ended. */
const deafToKeep: ReadonlySet<string> = new Set(['orphan-disabled', 'orphan-missing', 'expired']);

/** Carries out commands on what a pull request remembers. Pure; what is refused is answered and changes nothing. */
export function decide(commands: readonly Command[], context: Context): CommandsOutcome {
  const { marker, organisation, who } = context;
  let entries: readonly Entry[] = marker.entries;
  const split: Entry[] = [];
  const replies: string[] = [];
  const notes: string[] = [];
  for (const command of commands) {
    if (command.verb === 'help') continue;
    const chosen = entries.filter(({ grant }) => command.grant === null || grant === command.grant);
    if (command.verb === 'why') {
      replies.push(...chosen.map((entry) => whyOf(entry, marker)));
      continue;
    }
    const refused = new Set(chosen.flatMap((entry) => refusal(who, command.verb, entry, organisation) ?? []));
    if (refused.size > 0) {
      // All or nothing: half of what was asked would be a surprise.
      replies.push(...refused);
      continue;
    }
    if (command.verb === 'split') {
      if (chosen.length === 0 || entries.length < 2)
        replies.push('there is nothing to split: it holds one grant');
      else {
        // One stays, so that this pull request still has something to say.
        const moving = command.grant === null ? chosen.slice(1) : chosen;
        split.push(...moving);
        entries = entries.filter((entry) => !moving.includes(entry));
      }
      continue;
    }
    const decided = chosen.map((entry) => [entry, decisionFor(command, entry, context)] as const);
    const problems = decided.flatMap(([, decision]) => (typeof decision === 'string' ? [decision] : []));
    if (problems.length > 0) replies.push(...new Set(problems));
    else
      entries = entries.map((entry) => {
        const decision = decided.find(([known]) => known === entry)?.[1];
        if (typeof decision === 'object') notes.push(...replacedBy(decision, entry));
        return decision === undefined || typeof decision === 'string' ? entry : { ...entry, decision };
      });
  }
  return { entries, split, replies, notes };
}

/** Of two people who contradict each other the last word counts, and whoever was first reads so. */
const replacedBy = (decision: Decision, { grant, decision: before }: Entry): string[] =>
  isSaid(before) && fold(before.by) !== fold(decision.by)
    ? [
        `\`${grant}\`: \`/${decision.kind}\` replaces the \`/${before.kind}\` of ${code(before.by)}, for the last word before the merge counts`,
      ]
    : [];

const whyOf = ({ grant, detector, action }: Entry, { as_of }: Pick<Marker, 'as_of'>) =>
  `\`${grant}\`: ${detector} proposes to ${action} it. The criterion is \`policies/review/${detector.replaceAll('-', '_')}.rego\`, its thresholds are in \`grants/review.yaml\`, the evidence is above; \`grantgate review --as-of ${as_of}\` with the same records says the same.`;

type Deciding = Exclude<Command, { verb: 'help' | 'why' | 'split' }>;

/** The decision on one entry, or why it cannot be taken. */
function decisionFor(
  command: Deciding | Command,
  entry: Entry,
  { who, at, organisation }: Context,
): Decision | string {
  const said = { by: principalFor(who, organisation), at };
  const grant = organisation.grants.find(({ id }) => id === entry.grant);
  if (grant === undefined) return `\`${entry.grant}\` is not granted any more`;
  switch (command.verb) {
    case 'keep':
    case 'extend': {
      const { until, reason } = command;
      if (endOf(until) * 1000 <= Date.parse(at)) return `${until} is past: UNTIL must be a day to come`;
      if (command.verb === 'keep' && entry.action !== 'recertify' && deafToKeep.has(entry.detector))
        return entry.detector === 'expired'
          ? `\`${entry.grant}\` has ended: \`/extend ${entry.grant} UNTIL REASON\` lets it live on`
          : `\`${entry.grant}\` follows the account: put that right in the directory`;
      return { kind: command.verb, ...said, until, reason };
    }
    case 'narrow':
      return narrowing(command.to, { entry, grant, said }, organisation);
    case 'reassign': {
      const { owner } = command;
      const [kind, name] = [owner.slice(0, owner.indexOf(':')), owner.slice(owner.indexOf(':') + 1)];
      const known = kind === 'group' ? organisation.groups.has(name) : organisation.people.has(name);
      if (!known) return `no directory knows ${code(clipped(owner))}`;
      if (!isSomebody(owner, organisation)) return `nobody active is behind ${code(clipped(owner))}`;
      if (owner === grant.owner) return `\`${entry.grant}\` is theirs already`;
      const holder = soleHolder(grant.principal, organisation);
      if (owner === grant.principal || (holder !== null && holder === soleHolder(owner, organisation)))
        return `\`${entry.grant}\` is their own access: somebody else answers for it`;
      return { kind: 'reassign', ...said, owner };
    }
    case 'suspend':
      if (grant.state === 'suspended') return `\`${entry.grant}\` is suspended already`;
      return { kind: 'suspend', ...said };
    case 'revoke':
      return { kind: 'revoke', ...said };
    default:
      return 'it decides nothing';
  }
}

/** Whether anybody could answer for what an owner is given. */
const isSomebody = (owner: string, organisation: Organisation) =>
  peopleBehind(owner, organisation).some(
    (principal) => personOf(principal, organisation)?.status === 'active',
  );

/** To a role or operations as they were written; null: to what is proposed. */
function narrowing(
  wanted: string | null,
  { entry, grant, said }: { entry: Entry; grant: Grant; said: { by: string; at: string } },
  { apis }: Organisation,
): Decision | string {
  if (wanted === null)
    return entry.to === undefined
      ? `to what? \`/narrow ${entry.grant} ROLE\` or \`/narrow ${entry.grant} OPERATION,OPERATION\``
      : { kind: 'narrow', ...said, to: entry.to };
  const role = apis.get(grant.api)?.roles.get(wanted);
  const operations = role ?? [...new Set(wanted.split(',').filter((name) => name !== ''))].sort();
  const wider = operations.filter((name) => !grant.covers.includes(name));
  const shown = code(clipped(wanted));
  if (operations.length === 0 || wider.length > 0)
    return `${shown} is no role or list of operations that \`${entry.grant}\` covers`;
  if (operations.length >= grant.covers.length) return `${shown} is all that \`${entry.grant}\` covers`;
  return {
    kind: 'narrow',
    ...said,
    to: role === undefined ? { operations: [...operations] } : { role: wanted },
  };
}
