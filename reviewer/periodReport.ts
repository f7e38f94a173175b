import { folderIn, gitTree } from '../bundle/git/tree.ts';
import { type ForgeTarget, openForge } from './forge/forge.ts';
import { type PlanOptions, planFor } from './planFor.ts';
import { principalOf } from './pulls/commands/permission.ts';
import { recordFacts } from './records/recordFacts.ts';
import type { Period } from './report/grantChanges.ts';
import { makeReport, treeAt } from './report/makeReport.ts';
import type { About, Pack } from './report/pack.ts';
import { doubted } from './report/recordRows.ts';
import type { GatewayFacts } from './report/reportInput.ts';
import { ReviewError } from './reviewError.ts';

type Options = Omit<PlanOptions, 'asOfMs' | 'nowMs' | 'recommend' | 'explain'> & {
  /** What it is now, in ms since 1970: records that are later tell of a clock that is ahead, whose time is not covered. */
  nowMs: number;
  /** A folder of a Git repository. */
  root: string;
  /** The branch that was enforced. */
  revision: string;
  period: Period;
  /** Asked who approved and merged, where given. */
  forge?: ForgeTarget;
  gateways: readonly GatewayFacts[];
};

/**
 * The report of a period: the branch is judged as it was at its end, by what records say until then; and the gateways
 * whose records are not as they were written. Throws ReviewError,
 * GitError, ForgeError, OpaError, BundleError.
 */
export async function periodReport(
  options: Options,
): Promise<{ pack: Pack; about: About; doubted: string[] }> {
  const { root, revision, period, forge, gateways, signal } = options;
  const tree = await treeAt(root, revision, await folderIn(root), period.to - 1);
  if (tree === null)
    throw new ReviewError('report-invalid', `${revision} had no commit before the end of the period`);
  // Read besides, while threads of their own read the same files for who used what.
  const reading = recordFacts(options.decisions, signal);
  reading.catch(() => {});
  const { more } = await planFor(
    await gitTree(tree.root, tree.revision ?? revision, tree.within),
    { ...options, asOfMs: period.to * 1000 },
    async (found) => {
      const asked = forge === undefined ? null : openForge(forge, signal);
      return makeReport(found, {
        period,
        forge: asked,
        gateways,
        records: await reading,
        principalOf,
        signal,
      });
    },
  );
  return { ...more, doubted: doubted(await reading) };
}
