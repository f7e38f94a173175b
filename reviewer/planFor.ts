import type { Tree } from '../bundle/git/tree.ts';
import { findOpa, type Opa } from '../bundle/policy/opa.ts';
import { detect } from './detect/detect.ts';
import { type Evidence, gather } from './evidence/gather.ts';
import type { KeptUsage } from './evidence/usage.ts';
import { brake } from './plan/brake.ts';
import { explainFinding } from './plan/explainFinding.ts';
import type { Plan } from './plan/finding.ts';
import { makePlan } from './plan/makePlan.ts';
import { createObserve } from './recommend/observe.ts';
import { prove } from './recommend/prove.ts';
import { ReviewError } from './reviewError.ts';
import { furthestBack } from './sources/furthestBack.ts';
import { openSources } from './sources/openSources.ts';

export type PlanOptions = {
  /** Decision logs: folders, files and globs. */
  decisions: readonly string[];
  /** Gateways' roll-ups by day: folders, files, globs, and addresses of admin listeners. */
  usage?: readonly string[];
  /** The gateways' admin token, if they want one. */
  adminToken?: string | null;
  /** The instant to judge at, milliseconds since 1970. */
  asOfMs: number;
  /** What it is now, in ms since 1970: a record of later is of a clock that is ahead. Left out, no clock is doubted. */
  nowMs?: number | undefined;
  /** Recommend controls that follow from observed use, too. */
  recommend?: boolean;
  /** The fingerprint of a finding to explain, or its beginning. */
  explain?: string;
  opa?: Opa;
  /** What was read of records and roll-ups already, up to that instant: neither is read again. */
  kept?: KeptUsage | undefined;
  signal?: AbortSignal;
  progress?: (line: string) => void;
};

/**
 * The plan for one tree, and the brake's word on it. `more` is made of it while the usage can still be asked. Throws
 * ReviewError, GitError, OpaError, BundleError.
 */
export async function planFor<More>(
  tree: Tree,
  options: PlanOptions,
  makeMore: (made: { evidence: Evidence; plan: Plan }) => Promise<More>,
) {
  const { decisions, usage = [], adminToken = null, asOfMs, signal, progress } = options;
  const asOf = Math.floor(asOfMs / 1000);
  const { kept } = options;
  const readAt = options.nowMs === undefined ? undefined : Math.floor(options.nowMs / 1000);
  const places = kept === undefined ? { decisions, usage } : { decisions: [], usage: [] };
  const sources = await openSources({ ...places, since: furthestBack(asOf), token: adminToken, signal });
  let evidence: Evidence;
  try {
    evidence = await gather({ ...sources, tree, asOf, readAt, kept, signal, progress });
  } finally {
    await sources.close();
  }
  try {
    progress?.('looking for opa');
    const opa = options.opa ?? (await findOpa(progress === undefined ? {} : { progress }));
    progress?.('detecting');
    const { verdicts, faults } = await detect(evidence, opa, {
      signal,
      ...(options.recommend && { observe: createObserve({ evidence, decisions, signal }) }),
    });
    const made = await makePlan(evidence, verdicts, faults);
    const plan = options.recommend ? await prove(made, { evidence, opa, decisions, signal, progress }) : made;
    const [first] = faults;
    // The others were judged and their findings are good; who runs the review is still to know.
    const faulty = first === undefined ? null : new ReviewError('policy-undefined', first.message);
    const explained =
      options.explain === undefined
        ? undefined
        : await explainFinding(options.explain, plan.findings, verdicts, evidence);
    const more = await makeMore({ evidence, plan });
    const stopped = brake(plan, evidence.organisation);
    return { evidence, plan, more, explained, verdicts, stopped, faulty };
  } finally {
    await evidence.usage.close();
  }
}
