import { compile } from '../../bundle/compile/compile.ts';
import { dataDigest } from '../../bundle/format/digest.ts';
import { dayOf, instantOf } from '../../bundle/format/times.ts';
import type { DetectorName } from '../../bundle/grants/names.ts';
import type { Verdict } from '../detect/detect.ts';
import type { Fault } from '../detect/faults.ts';
import { createIsolate } from '../edit/isolate.ts';
import type { Evidence } from '../evidence/gather.ts';
import type { Finding, Plan } from './finding.ts';
import { propose, shown } from './propose.ts';

/** Between two clocks that are right may lie less than that, in minutes. */
const slack = 2;

/**
 * Puts the verdicts together into the plan, sorted by grant and detector. `population.digest` is that of the compiled
 * data, so it names the very grants a gateway enforces. Throws ReviewError `edit-failed`, TreeError.
 */
export async function makePlan(
  evidence: Evidence,
  verdicts: readonly Verdict[],
  faults: readonly Fault[] = [],
): Promise<Plan> {
  const { asOf, from, organisation, tree, usage, coverage } = evidence;
  const repeated = usage.instances
    .filter((one) => one.repeated > 0)
    .map(({ instance, repeated: numbers }) => ({ instance, numbers }));
  const ahead = usage.instances.flatMap(({ instance, ahead: minutes }) =>
    minutes < slack ? [] : [{ instance, minutes }],
  );
  const reports = verdicts.filter((verdict) => verdict.verdict === 'report');
  // File by file, however they come: one is in memory at a time.
  const byFile = Map.groupBy(reports, ({ grant }) => grant.place.file);
  const proposed = new Map<Verdict, Finding>();
  for await (const [file, bytes] of tree.stream([...byFile.keys()].sort())) {
    const isolate = createIsolate(bytes.toString('utf8'));
    for (const report of byFile.get(file) ?? []) proposed.set(report, propose(report, evidence, isolate));
  }
  const blind = new Map<string, { detectors: DetectorName[]; coverage: number }>();
  for (const verdict of verdicts) {
    if (verdict.verdict !== 'not-evaluable') continue;
    const known = blind.get(verdict.grant.id);
    known?.detectors.push(verdict.detector);
    if (known) known.coverage = Math.min(known.coverage, shown(verdict.coverage));
    else blind.set(verdict.grant.id, { detectors: [verdict.detector], coverage: shown(verdict.coverage) });
  }
  return {
    as_of: instantOf(asOf),
    revision: tree.revision,
    population: {
      grants: organisation.grants.length,
      digest: `sha256:${dataDigest(compile(organisation))}`,
    },
    evidence: {
      from: instantOf(from),
      records: usage.records,
      instances: coverage.instances(from, asOf),
      coverage: shown(coverage.share(from, asOf)),
      ...(usage.unreadable.length > 0 && { unreadable: usage.unreadable.map(({ file }) => file) }),
      ...(usage.faulty.length > 0 && { faulty: usage.faulty }),
      ...(repeated.length > 0 && { repeated }),
      ...(ahead.length > 0 && { ahead }),
    },
    findings: reports.map((report) => proposed.get(report) ?? propose(report, evidence, createIsolate(''))),
    not_evaluable: [...blind].map(([grant, found]) => ({ grant, ...found })),
    ...(faults.length > 0 && { faults }),
    exempt: verdicts
      .filter((verdict) => verdict.verdict === 'exempt')
      .map(({ grant, detector, until, reason }) => ({
        grant: grant.id,
        detector,
        // The day the exemption is written with: its end is the midnight after.
        until: dayOf(until - 1),
        reason,
      })),
  };
}
