import { listed } from '../bundle/format/counted.ts';
import { dayOf, daySeconds } from '../bundle/format/times.ts';
import { rememberFiles } from '../bundle/git/rememberFiles.ts';
import { localTree, type Tree } from '../bundle/git/tree.ts';
import { endOf } from '../bundle/grants/dates.ts';
import { advance, attestations, listParts, viewParts } from './campaign/advance.ts';
import { answerPart } from './campaign/answerPart.ts';
import { freeze } from './campaign/freeze.ts';
import { campaignPrefix, type Frozen, frozenBranch, readFrozen, writeFrozen } from './campaign/frozen.ts';
import { readIssue } from './campaign/issue.ts';
import { type Clock, createPace, wallClock } from './campaign/pace.ts';
import { type Base, baseOf } from './campaign/preparePart.ts';
import { type Report, reportOf } from './campaign/report.ts';
import type { Scope } from './campaign/scope.ts';
import type { PartResult } from './campaign/settlePart.ts';
import { openChecks } from './forge/checks.ts';
import { type Forge, type ForgeTarget, openForge } from './forge/forge.ts';
import { organisationOf } from './organisationOf.ts';
import { type PlanOptions, planFor } from './planFor.ts';
import type { Answered } from './pulls/commands/answerEach.ts';
import { type Mirror, openMirror } from './pulls/mirror.ts';
import { ReviewError } from './reviewError.ts';

export type CampaignOptions = Omit<PlanOptions, 'explain' | 'recommend'> & {
  /** The repository; of it what would be frozen is shown where no forge is named. */
  root: string;
  name: string;
  /** As it was written, and what it means; of a campaign that is open it must be the same, or left out. */
  scope: { text: string; scope: Scope } | null;
  /** The last day; left out, as the rules say. */
  due?: string;
  /** Where it is run; left out, what would be frozen of `root` is shown. */
  forge?: ForgeTarget;
  /** Opens it and goes on with it; without, how it stands is read, and nothing changes. */
  apply?: boolean;
  /** For the waits between writes; the clock on the wall when left out. */
  clock?: Clock;
};

export type CampaignResult = {
  report: Report;
  /** What this run did, by owner; empty where nothing was to be changed. */
  results: readonly PartResult[];
  writes: number;
  /** What kept it from being brought to its end; the report is good all the same. */
  error: (Error & { code: string }) | null;
};

/** `asOf`: seconds since 1970. Throws ReviewError `grants-invalid`. */
async function baseAt(tree: Tree, asOf: number): Promise<Base> {
  return baseOf(tree, await organisationOf(tree, 'the base branch has'), asOf);
}

/** Freezes what is in scope, by the evidence of a tree. */
async function frozenFor(tree: Tree, base: Base, options: CampaignOptions): Promise<Frozen> {
  const { name, scope, asOfMs, forge: _, apply: __, ...review } = options;
  const seconds = Math.floor(asOfMs / 1000);
  const due = options.due ?? dayOf(seconds + base.organisation.review.campaigns.days * daySeconds);
  if (endOf(due) <= seconds)
    throw new ReviewError(
      'campaign-empty',
      `the campaign ${name} would be over before it begins: it is due ${due}`,
    );
  const { more } = await planFor(tree, { ...review, asOfMs }, async ({ evidence, plan }) => {
    // What could not be judged would be asked about as if nothing had been found.
    const [fault] = plan.faults ?? [];
    if (fault !== undefined) throw new ReviewError('policy-undefined', fault.message);
    return freeze({ evidence, plan }, { name, scope, due, written: base.grants });
  });
  return more;
}

/** A campaign is what it was opened as: another scope or date would be another one, under its name. */
function assertSame(frozen: Frozen, { name, scope, due }: CampaignOptions): void {
  const differs = (what: string, was: string, is: string) =>
    new ReviewError('campaign-differs', `the campaign ${name} was opened with ${what} ${was}, not ${is}`);
  if (scope !== null && scope.text !== frozen.scope)
    throw differs('the scope', frozen.scope ?? 'of all grants', scope.text);
  if (due !== undefined && due !== frozen.due) throw differs('the due date', frozen.due, due);
}

/**
 * Answers go by the numbers of what was frozen: whoever tidied its branch away or wrote over it has not ended the campaign, and what would
 * be frozen today is another one. Throws ReviewError `campaign-malformed`.
 */
async function assertNeverOpened(forge: Forge, mirror: Mirror, name: string): Promise<void> {
  const branch = frozenBranch(name);
  const parts = [...mirror.branches.keys()].filter((one) => one !== branch);
  const issue = parts.length === 0 ? await readIssue(forge, name) : null;
  if (parts.length === 0 && issue === null) return;
  throw new ReviewError(
    'campaign-malformed',
    `the branch ${branch} is gone or holds what the review has not frozen, though the campaign was opened (${issue === null ? listed(parts, 3) : `issue #${issue.number}`}): push the review's commit there again, or give a new campaign another name`,
  );
}

/**
 * Opens a campaign, or goes on with it: what it is about is frozen once in Git, and the forge holds all the rest. Throws
 * what keeps it from being begun: ReviewError, ForgeError, GitError, OpaError, BundleError.
 */
export async function campaign(options: CampaignOptions): Promise<CampaignResult> {
  const { root, name, asOfMs, forge: target, signal, progress } = options;
  const asOf = Math.floor(asOfMs / 1000);
  if (target === undefined) {
    const tree = rememberFiles(await localTree(root));
    const base = await baseAt(tree, asOf);
    const frozen = await frozenFor(tree, base, options);
    return {
      report: reportOf(frozen, { results: [], attested: new Map(), base, asOf }),
      results: [],
      writes: 0,
      error: null,
    };
  }
  const forge = openForge(target, signal);
  progress?.(`fetching ${forge.slug}`);
  const mirror = await openMirror(forge, signal, campaignPrefix(name));
  try {
    const tree = rememberFiles(await mirror.tree());
    const base = await baseAt(tree, asOf);
    let frozen = await readFrozen({ forge, mirror }, name);
    if (frozen !== null) assertSame(frozen, options);
    else await assertNeverOpened(forge, mirror, name);
    const { approvals } = openChecks(target, signal);
    if (options.apply !== true) return await viewCampaign(frozen ?? (await frozenFor(tree, base, options)));
    if (frozen === null) {
      frozen = await frozenFor(tree, base, options);
      await writeFrozen({ forge, mirror }, frozen);
      progress?.(`frozen: ${frozen.population.grants} grants, ${frozen.population.digest}`);
    }
    const { writes_per_minute, notices_per_hour } = base.organisation.review.campaigns;
    const caps = { perMinute: writes_per_minute, noticesPerHour: notices_per_hour };
    const pace = createPace(caps, options.clock ?? wallClock(signal));
    return await advance({ forge, approvals, mirror, frozen, base, pace, asOf, signal, progress });

    async function viewCampaign(opened: Frozen): Promise<CampaignResult> {
      const known = await listParts(forge, opened);
      const results = viewParts(opened, known);
      const attested = await attestations(results, known, forge);
      return {
        report: reportOf(opened, { results, attested, base, asOf }),
        results: [],
        writes: 0,
        error: null,
      };
    }
  } finally {
    await mirror.close();
  }
}

/** Carries out what the comments on a campaign's pull request ask for. `asOf`: seconds since 1970. Throws ForgeError, ReviewError. */
export async function answerCampaign(
  forge: Forge,
  name: string,
  number: number,
  { asOf, signal }: { asOf: number; signal?: AbortSignal | undefined },
): Promise<Answered> {
  const mirror = await openMirror(forge, signal, campaignPrefix(name));
  try {
    const tree = rememberFiles(await mirror.tree());
    const frozen = await readFrozen({ forge, mirror }, name);
    if (frozen === null)
      return { number, handled: 0, changed: false, reason: `there is no campaign ${name}` };
    return await answerPart({ forge, mirror, frozen, base: await baseAt(tree, asOf), number });
  } finally {
    await mirror.close();
  }
}
