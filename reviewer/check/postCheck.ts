import { sha256 } from '../../bundle/format/digest.ts';
import type { Organisation } from '../../bundle/grants/organisation.ts';
import type { CheckForge } from '../forge/checks.ts';
import { ForgeError } from '../forge/forgeError.ts';
import { ReviewError } from '../reviewError.ts';
import { type Outcome, outcomeOf } from './outcome.ts';
import type { PullCheck } from './pullCheck.ts';
import { annotationsOf, commentMark, renderCheck } from './renderCheck.ts';
import { settleApprovals } from './settleApprovals.ts';

/** What stands beside a commit, and may be required before a merge. */
export const checkName = 'grantgate/check';
/** Files changed are read by people; the rest stands in the summary. */
const mostAnnotations = 200;

type Options = {
  forge: CheckForge;
  check: PullCheck;
  /** What the trusted event names: the pull request, and the commit that was checked. */
  number: number;
  head: string;
  /** The branch that the directory and the rules at hand are of. */
  base: string;
  directory: Pick<Organisation, 'people' | 'memberships'>;
  /** It was computed by this very process, and not handed over. */
  trusted: boolean;
};

export type Posted = {
  /** Null where nothing was posted, for the pull request has moved on or is closed. */
  outcome: Outcome | null;
  comment: 'created' | 'updated' | 'unchanged' | 'none';
  /** `status`: who may not write checks sets a commit's status instead. */
  check: 'created' | 'unchanged' | 'status' | 'none';
};

/**
 * Says on a pull request what its check found: one comment, brought up to date and never repeated, and one check run.
 * Whatever is in `check` may come from a fork; what it is about does not. Throws ReviewError `check-mismatch`, ForgeError.
 */
export async function postCheck(options: Options): Promise<Posted> {
  const { forge, check, number, head, base, directory, trusted } = options;
  if (check.head !== head)
    throw new ReviewError('check-mismatch', `the check is not of the commit ${head.slice(0, 12)}`);
  const pull = await forge.pull(number);
  if (pull.base !== base)
    throw new ReviewError('check-mismatch', `pull request ${number} is not to be merged into ${base}`);
  // The check of the newer commit has the last word, whichever run ends last.
  if (pull.state !== 'open' || pull.head !== head) return { outcome: null, comment: 'none', check: 'none' };
  const authors = [...new Set([pull.author, ...(await forge.committers(number))])];
  const settled = settleApprovals(
    check,
    { authors, approvals: await forge.approvals(number, head) },
    directory,
  );
  const outcome = outcomeOf(check, settled, trusted || !pull.isFork);
  const text = renderCheck(check, settled, outcome);
  return {
    outcome,
    check: await putCheck(forge, check, outcome, text),
    comment: await putComment(forge, number, `${commentMark}\n${text}`),
  };
}

const states = { success: 'success', failure: 'failure', action_required: 'pending' } as const;

async function putCheck(
  forge: CheckForge,
  check: PullCheck,
  outcome: Outcome,
  summary: string,
): Promise<Posted['check']> {
  const annotations = annotationsOf(check).slice(0, mostAnnotations);
  const key = sha256(JSON.stringify([outcome, summary, annotations]));
  try {
    if ((await forge.checkKey(check.head, checkName)) === key) return 'unchanged';
    await forge.createCheck({ name: checkName, head: check.head, key, ...outcome, summary, annotations });
    return 'created';
  } catch (error) {
    if (!(error instanceof ForgeError) || error.code !== 'forge-forbidden') throw error;
    // Only Apps and workflows may write checks.
    const state = states[outcome.conclusion];
    await forge.setStatus(check.head, {
      context: checkName,
      state,
      description: outcome.title.slice(0, 140),
    });
    return 'status';
  }
}

async function putComment(forge: CheckForge, number: number, body: string): Promise<Posted['comment']> {
  const own = (await forge.ownComments(number)).filter((one) => one.body.startsWith(commentMark));
  const [first] = own;
  if (first === undefined) {
    await forge.createComment(number, body);
    return 'created';
  }
  if (first.body.replaceAll('\r\n', '\n').trim() === body.trim()) return 'unchanged';
  await forge.updateComment(first.id, body);
  return 'updated';
}
