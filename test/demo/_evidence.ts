import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Detector } from '../../bundle/grants/names.ts';
import type { Grant, Organisation } from '../../bundle/grants/organisation.ts';
import type { DecisionRecord, Heartbeat, Stopped } from '../../gateway/record/record.ts';

const day = 86_400;
const cadenceDays: Record<string, number> = { daily: 1, monthly: 30, quarterly: 91, annual: 365 };

/** Operation → the instants it was used, whole seconds since 1970. */
export type Uses = Map<string, number[]>;

/** Every record of every instance; heartbeats but those that begin a file are given to `beat`. */
export function readRecords(
  folder: string,
  beat: (heartbeat: Heartbeat) => void = () => {},
): DecisionRecord[] {
  const records: DecisionRecord[] = [];
  for (const instance of readdirSync(folder).sort())
    for (const file of readdirSync(join(folder, instance)).sort())
      for (const line of readFileSync(join(folder, instance, file), 'utf8').split('\n')) {
        if (line === '') continue;
        const parsed: DecisionRecord | Heartbeat | Stopped = JSON.parse(line);
        if ('stopped' in parsed || ('heartbeat' in parsed && parsed.chain !== undefined)) continue;
        if ('heartbeat' in parsed) beat(parsed);
        else records.push(parsed);
      }
  return records;
}

/** What of a record tells of use. */
export type Recorded = Pick<DecisionRecord, 'timestamp' | 'input' | 'result' | 'status'>;

export function usesByGrant(records: readonly Recorded[]): Map<string, Uses> {
  const uses = new Map<string, Uses>();
  for (const { result, input, status } of records) {
    if (!result.allow || status === 429) continue;
    for (const id of result.grants) {
      const ofGrant: Uses = uses.get(id) ?? new Map();
      uses.set(id, ofGrant);
      const ofOperation = ofGrant.get(input.operation) ?? [];
      ofGrant.set(input.operation, ofOperation);
      ofOperation.push(input.time);
    }
  }
  return uses;
}

type Evidence = {
  organisation: Organisation;
  uses: ReadonlyMap<string, Uses>;
  asOf: number;
  /** Since when there are records. */
  from: number;
  suspendedSince: (id: string) => number;
  /** Whether reviews and exemptions silence anything. */
  honouring: boolean;
};

/** What {@link found} looks for. */
export const knownDetectors: ReadonlySet<Detector> = new Set<Detector>([
  ...(['expired', 'never-used', 'dormant', 'orphan-disabled', 'over-privileged'] as const),
]);

/** The detectors in a few lines of their own, so that the sample is held by something else than the product. */
export function found(grant: Grant, evidence: Evidence): Detector[] {
  const { organisation, asOf, from, honouring } = evidence;
  if (grant.expiresAt !== null && asOf >= grant.expiresAt) return ['expired'];
  const login = grant.principal.replace(/^user:/, '');
  const disabled = organisation.people.get(login)?.status ?? 'active';
  if (grant.principal.startsWith('user:') && disabled !== 'active') return ['orphan-disabled'];
  if (grant.state === 'suspended')
    return asOf - evidence.suspendedSince(grant.id) >= 30 * day ? ['dormant'] : [];
  if (grant.cadence === 'break-glass') return [];

  const { review } = grant;
  const kept = review?.until !== undefined && Date.parse(`${review.until}T00:00:00Z`) / 1000 + day > asOf;
  const exempt = organisation.review.exemptions.filter(({ grant: id }) => id === grant.id);
  const rhythm = (cadenceDays[grant.cadence ?? ''] ?? 0) * 1.25;
  const high = ['high', 'critical'].includes(organisation.apis.get(grant.api)?.tier ?? '');
  const uses = evidence.uses.get(grant.id) ?? new Map<string, number[]>();
  const last = [...uses.values()].flat().reduce((latest, time) => Math.max(latest, time), 0);
  const olderThan = (days: number) => asOf - grant.grantedAt >= days * day;
  const idle = Math.max(high ? 45 : 90, rhythm);
  const covered = (asOf - Math.max(from, grant.grantedAt)) / (asOf - grant.grantedAt) >= 0.95;

  const detected: Detector[] = [];
  if (last === 0 && covered && olderThan(Math.max(30, rhythm))) detected.push('never-used');
  else if (olderThan(idle) && asOf - last >= idle * day && asOf - from >= idle * day)
    detected.push('dormant');
  const span = Math.max(90, rhythm);
  const recent = [...uses].flatMap(([operation, times]) =>
    times.filter((time) => time > asOf - span * day).map((time) => ({ operation, time })),
  );
  const unused = grant.covers.length - new Set(recent.map(({ operation }) => operation)).size;
  const days = new Set(recent.map(({ time }) => Math.floor(time / day)));
  if (
    olderThan(span) &&
    asOf - from >= span * day &&
    unused >= 2 &&
    unused / grant.covers.length >= 0.5 &&
    recent.length >= 20 &&
    days.size >= 5
  )
    detected.push('over-privileged');
  return honouring
    ? detected.filter((one) => !kept && !exempt.some(({ detector }) => detector === one))
    : detected;
}
