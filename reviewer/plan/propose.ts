import { accountStatus } from '../../bundle/access/accountStatus.ts';
import { canonicalJson } from '../../bundle/format/canonicalJson.ts';
import { sha256 } from '../../bundle/format/digest.ts';
import { dayOf, daySeconds, instantOf } from '../../bundle/format/times.ts';
import { type DetectorName, type Recommendation, recommendation } from '../../bundle/grants/names.ts';
import type { Grant, Organisation } from '../../bundle/grants/organisation.ts';
import type { Verdict } from '../detect/detect.ts';
import type { Observed } from '../detect/observed.ts';
import { type Edit, edit, grantText } from '../edit/edit.ts';
import type { createIsolate, Isolated } from '../edit/isolate.ts';
import { type Narrowed, narrow } from '../edit/narrow.ts';
import { certifiedAt } from '../evidence/directory/certifiedAt.ts';
import type { Evidence } from '../evidence/gather.ts';
import type { UsageFacts } from '../evidence/usageFacts.ts';
import { ReviewError } from '../reviewError.ts';
import type { Finding, Seen, SeenAccount, SeenUse, SetKeys } from './finding.ts';
import { answererOf, newOwnerOf } from './newOwner.ts';
import { sentence } from './sentence.ts';

type Report = Extract<Verdict, { verdict: 'report' }>;

type Judged = Pick<Grant, 'id' | 'principal' | 'covers' | 'expiresAt' | 'conditions' | 'params' | 'state'>;
type Proposed = { detector: string; action: string; severity: string; to?: Narrowed | Basis | undefined };

/**
 * A stable name of a proposal: 32 hexadecimal digits of what is decided about. What the grant reaches and how much is
 * at stake belong to it, so that an answer given for less does not stand for more.
 */
export const fingerprint = (
  { id, principal, covers, expiresAt, conditions, params, state }: Judged,
  { detector, action, severity, to }: Proposed,
): string =>
  sha256(
    canonicalJson([
      ...[id, detector, action, severity, to ?? null],
      ...[principal, [...covers], expiresAt, conditions ?? null, state],
      ...(params === undefined ? [] : [params]),
    ]),
  ).slice(0, 32);

/** The edit that carries out a finding. Throws ReviewError `edit-failed` for an action that edits cannot express. */
export function editOf({ grant, action, to, set }: Pick<Finding, 'grant' | 'action' | 'to' | 'set'>): Edit {
  if (action === 'delete' || action === 'revoke') return { kind: 'delete', grant };
  if (action === 'suspend') return { kind: 'suspend', grant };
  if (action === 'narrow' && to !== undefined) return { kind: 'narrow', grant, to };
  if (set !== undefined) return { kind: 'set', grant, to: set };
  throw new ReviewError('edit-failed', `the grant ${grant}: no edit carries out "${action}"`);
}

/** Shares are shown rounded down, so that nothing short of all is shown as all. */
export const shown = (share: number): number => Math.floor(share * 10_000) / 10_000;

function useOf(usage: UsageFacts, grant: Grant, asOf: number): SeenUse {
  return {
    window: { from: instantOf(usage.from), to: instantOf(asOf) },
    coverage: shown(usage.coverage),
    ...(usage.lostMinutes > 0 && { lost_minutes: usage.lostMinutes }),
    allows: usage.allows,
    days_used: usage.daysUsed,
    ...(usage.lastUsedAt !== null && { last_used: instantOf(usage.lastUsedAt) }),
    used: grant.covers.filter((operation) => usage.operations.includes(operation)),
    unused: grant.covers.filter((operation) => !usage.operations.includes(operation)),
  };
}

function accountOf({ principal }: Grant, organisation: Organisation): SeenAccount {
  const person = organisation.people.get(principal.slice('user:'.length));
  const synced = organisation.directories.find(({ provider }) => provider === person?.provider)?.synced;
  return {
    account: accountStatus(principal, organisation),
    ...(person && { provider: person.provider }),
    ...(synced !== undefined && { synced }),
    ...(person?.last_sign_in && { last_sign_in: person.last_sign_in }),
  };
}

const isRecommendation = (detector: DetectorName): detector is Recommendation =>
  recommendation.safeParse(detector).success;
const unseen: Observed = { uses: 0, days: 0, mfa: 0, ever: 0, first: 0, last: 0, busiest: 0 };

function seenOf(
  { grant, detector, action, usage, seen: known, observed }: Report,
  { organisation, history, asOf }: Evidence,
): Seen {
  const dates = {
    granted: instantOf(grant.grantedAt),
    ...(grant.expiresAt !== null && { expires: instantOf(grant.expiresAt) }),
  };
  // What is denied already, or given by others too, is judged by its own window alone.
  const told = action === 'delete' ? usage : known;
  const use = told === null ? {} : useOf(told, grant, asOf);
  if (isRecommendation(detector)) {
    const seen = observed ?? unseen;
    const requests = detector === 'one-off' ? seen.ever : seen.uses;
    return { detector, evidence: { ...dates, ...use, observed: seen, replayed: { requests, refused: 0 } } };
  }
  switch (detector) {
    case 'orphan-disabled':
    case 'orphan-missing':
      return { detector, evidence: { ...dates, ...accountOf(grant, organisation), ...use } };
    case 'dormant': {
      const suspendedAt = history.of(grant.id)?.suspendedAt ?? null;
      const suspended = suspendedAt !== null && { suspended: instantOf(suspendedAt) };
      return { detector, evidence: { ...dates, ...suspended, ...use } };
    }
    default:
      return { detector, evidence: { ...dates, ...use } };
  }
}

/** What a question is about that is asked again when it changes, and not otherwise. */
type Basis = { basis: unknown };

function basisOf({ detector, action, grant, duties, observed }: Report): Basis | undefined {
  switch (detector) {
    case 'expiring':
      return { basis: grant.expiresAt };
    case 'high-access':
    case 'mover':
    case 'growth':
      return { basis: certifiedAt(grant) };
    case 'ownerless':
      return { basis: grant.owner };
    case 'known-networks':
      return { basis: observed?.networks };
    case 'smaller-group':
      return { basis: observed?.principal };
    case 'separation-of-duties':
      return { basis: duties.map(({ name }) => name).sort() };
    default:
      return action === 'recertify' ? { basis: certifiedAt(grant) } : undefined;
  }
}

type Roles = ReadonlyMap<string, readonly string[]>;

/** Roles that would not be found over-privileged for the same use at once. */
function fitting(roles: Roles, used: readonly string[], { review }: Organisation): Roles {
  const { unused_operations: some, unused_share: share } = review.thresholds.over_privileged;
  return new Map(
    [...roles].filter(([, covers]) => {
      const unused = covers.filter((operation) => !used.includes(operation)).length;
      return unused === 0 || unused < some || unused < covers.length * share;
    }),
  );
}

function narrowedTo(
  { grant, detector, usage, duties, own }: Report,
  roles: Roles,
  organisation: Organisation,
) {
  const used = usage?.operations ?? [];
  if (detector !== 'separation-of-duties' && own === undefined)
    return narrow(grant.covers, used, fitting(roles, used, organisation));
  const given = new Set(duties.flatMap(({ operations }) => operations));
  const left =
    own?.action === 'narrow' ? own.operations : grant.covers.filter((operation) => !given.has(operation));
  const role = [...roles].find(([, covers]) => canonicalJson(covers) === canonicalJson(left))?.[0];
  return role === undefined ? { operations: left } : { role };
}

/** The keys that a question would write, were it answered as it is asked: prolonged, handed over, kept. */
function tightened({ detector, observed }: Report, { asOf, organisation }: Evidence): SetKeys | undefined {
  switch (detector) {
    case 'second-factor':
      return { conditions: { mfa: true } };
    case 'known-networks':
      return observed?.networks && { conditions: { networks: [...observed.networks] } };
    case 'rate-limit':
      return observed?.rate === undefined ? undefined : { limits: { rate: observed.rate } };
    case 'smaller-group':
      return observed?.principal === undefined ? undefined : { principal: observed.principal };
    case 'one-off':
      return { expires: dayOf(asOf + organisation.review.thresholds.recommend.end_days * daySeconds) };
    default:
      return undefined;
  }
}

function setOf(report: Report, evidence: Evidence): SetKeys | undefined {
  const { grant, action } = report;
  const { asOf, organisation, history } = evidence;
  if (action === 'tighten') return tightened(report, evidence);
  if (action === 'renew' && grant.expiresAt !== null) {
    // As long again as it was given for, at most a year.
    const length = Math.max(daySeconds, Math.min(365 * daySeconds, grant.expiresAt - grant.grantedAt));
    const end = grant.expiresAt + Math.floor(length / daySeconds) * daySeconds;
    return { expires: /T/.test(grant.expires ?? '') ? instantOf(end) : dayOf(end - 1) };
  }
  if (action === 'reassign') {
    // Where it is the service that has no owner, another owner of the grant would mend nothing.
    const lost = history.directories.ownerlessSince(grant.owner) !== null;
    const newOwner = lost ? newOwnerOf(grant, organisation) : null;
    return newOwner === null ? undefined : { owner: newOwner };
  }
  if (action !== 'recertify') return undefined;
  const reason = 'Certified again by merging this';
  return { review: { decision: 'keep', by: answererOf(grant, evidence), at: instantOf(asOf), reason } };
}

/** The grant's text after an edit that keeps it; one that cannot be edited is shown, and held back, as it is. */
function afterEdit({ text, parsed }: Isolated, file: string, change: Edit): string {
  try {
    return grantText(edit(text, file, change, { parsed }) ?? '', file, change.grant);
  } catch (error) {
    if (!(error instanceof ReviewError) || error.code !== 'edit-failed') throw error;
    return grantText(text, file, change.grant, parsed);
  }
}

const merges = (detector: string, { review }: Organisation) =>
  review.pull_requests.merge.some((kind) => kind === detector);

/**
 * Turns a detector's report into a finding with its sentence, evidence and the change it asks for. `isolate` cuts grants
 * out of the file that this one stands in.
 */
export function propose(
  report: Report,
  evidence: Evidence,
  isolate: ReturnType<typeof createIsolate>,
): Finding {
  const { organisation, history } = evidence;
  const { grant, detector, action, severity, also } = report;
  const roles = organisation.apis.get(grant.api)?.roles ?? new Map<string, readonly string[]>();
  const to = action === 'narrow' ? narrowedTo(report, roles, organisation) : undefined;
  const set = setOf(report, evidence);
  const { file } = grant.place;
  const own = isolate(grant.id);
  // Nobody can be named: the plan says so, and no merge could put it right.
  const change =
    action === 'reassign' && set === undefined
      ? null
      : editOf({ grant: grant.id, action, ...(to && { to }), ...(set && { set }) });
  const before = grantText(own.text, file, grant.id, own.parsed);
  const suspendedAt = history.of(grant.id)?.suspendedAt ?? null;
  // In the order in which people read it, as `review --json` prints it.
  const decided = {
    fingerprint: fingerprint(grant, { detector, action, severity, to: to ?? basisOf(report) }),
    detector,
    grant: grant.id,
    principal: grant.principal,
    api: grant.api,
    action,
    ...(to && { to }),
    ...(set && { set }),
    severity,
    ...(merges(detector, organisation) && { merges: true as const }),
    owner: set !== undefined && 'owner' in set ? set.owner : answererOf(grant, evidence),
    sentence: sentence({ report, suspendedAt }, evidence),
  };
  return {
    ...decided,
    ...seenOf(report, evidence),
    change: {
      file,
      before,
      after: change === null ? before : change.kind === 'delete' ? '' : afterEdit(own, file, change),
    },
    ...(also.length > 0 && { also }),
  };
}
