import { canonicalJson } from '../../bundle/format/canonicalJson.ts';
import { sha256 } from '../../bundle/format/digest.ts';
import type { Grant } from '../../bundle/grants/organisation.ts';
import { accountStatus, type Verdict } from '../detect/detect.ts';
import { type Edit, edit, grantText } from '../edit/edit.ts';
import { type Narrowed, narrow } from '../edit/narrow.ts';
import type { Evidence } from '../evidence/gather.ts';
import type { UsageFacts } from '../evidence/usageFacts.ts';
import { ReviewError } from '../reviewError.ts';
import type { Finding } from './finding.ts';
import { instantOf, sentence } from './sentence.ts';

type Report = Extract<Verdict, { verdict: 'report' }>;

type Judged = Pick<Grant, 'id' | 'principal' | 'covers' | 'expiresAt' | 'conditions' | 'state'>;

/**
 * A stable name of a proposal: 32 hexadecimal digits of what is decided about. What the grant reaches and how much is
 * at stake belong to it, so that an answer given for less does not stand for more.
 */
export const fingerprint = (
  { id, principal, covers, expiresAt, conditions, state }: Judged,
  detector: string,
  action: string,
  severity: string,
  to?: Narrowed,
): string =>
  sha256(
    canonicalJson([
      ...[id, detector, action, severity, to ?? null],
      ...[principal, [...covers], expiresAt, conditions ?? null, state],
    ]),
  ).slice(0, 32);

/** The edit that carries out a finding. Throws ReviewError `edit-failed` for an action that edits cannot express. */
export function editOf({ grant, action, to }: Pick<Finding, 'grant' | 'action' | 'to'>): Edit {
  if (action === 'delete' || action === 'revoke') return { kind: 'delete', grant };
  if (action === 'suspend') return { kind: 'suspend', grant };
  if (action === 'narrow' && to !== undefined) return { kind: 'narrow', grant, to };
  throw new ReviewError('edit-failed', `the grant ${grant}: no edit carries out "${action}"`);
}

/** Shares are shown rounded down, so that nothing short of all is shown as all. */
export const shown = (share: number): number => Math.floor(share * 10_000) / 10_000;

function usageEvidence(usage: UsageFacts, grant: Grant, asOf: number) {
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

function evidenceOf(report: Report, { organisation, history, asOf }: Evidence) {
  const { grant, detector, usage } = report;
  const suspendedAt = history.get(grant.id)?.suspendedAt ?? null;
  const person = organisation.people.get(grant.principal.slice('user:'.length));
  const synced = organisation.directories.find(({ provider }) => provider === person?.provider)?.synced;
  return {
    granted: instantOf(grant.grantedAt),
    ...(grant.expiresAt !== null && { expires: instantOf(grant.expiresAt) }),
    ...(detector === 'dormant' && suspendedAt !== null && { suspended: instantOf(suspendedAt) }),
    ...(detector.startsWith('orphan-') && {
      account: accountStatus(grant.principal, organisation),
      ...(person && { provider: person.provider, synced }),
      ...(person?.last_sign_in && { last_sign_in: person.last_sign_in }),
    }),
    ...(usage !== null && usageEvidence(usage, grant, asOf)),
  };
}

/** The grant's text after an edit that keeps it; one that cannot be edited is shown, and held back, as it is. */
function afterEdit(text: string, file: string, change: Edit): string {
  try {
    return grantText(edit(text, file, change) ?? '', file, change.grant);
  } catch (error) {
    if (!(error instanceof ReviewError) || error.code !== 'edit-failed') throw error;
    return grantText(text, file, change.grant);
  }
}

/** Turns a detector's report into a finding with its sentence, evidence and the change it asks for. */
export function propose(report: Report, evidence: Evidence, texts: ReadonlyMap<string, string>): Finding {
  const { organisation, asOf, history } = evidence;
  const { grant, detector, action, severity, also, usage } = report;
  const roles = organisation.apis.get(grant.api)?.roles ?? new Map<string, readonly string[]>();
  const to = action === 'narrow' ? narrow(grant.covers, usage?.operations ?? [], roles) : undefined;
  const { file } = grant.place;
  const text = texts.get(file) ?? '';
  const change = editOf({ grant: grant.id, action, ...(to && { to }) });
  const before = grantText(text, file, grant.id);
  const suspendedAt = history.get(grant.id)?.suspendedAt ?? null;
  return {
    fingerprint: fingerprint(grant, detector, action, severity, to),
    detector,
    grant: grant.id,
    principal: grant.principal,
    api: grant.api,
    action,
    ...(to && { to }),
    severity,
    owner: grant.owner,
    sentence: sentence({ grant, detector, action, usage, suspendedAt }, asOf, organisation),
    evidence: evidenceOf(report, evidence),
    change: {
      file,
      before,
      after: change.kind === 'delete' ? '' : afterEdit(text, file, change),
    },
    ...(also.length > 0 && { also }),
  };
}
