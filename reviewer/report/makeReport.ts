import { daySeconds, instantOf } from '../../bundle/format/times.ts';
import { git } from '../../bundle/git/git.ts';
import { gitTree } from '../../bundle/git/tree.ts';
import { turnsOf } from '../../bundle/git/turnsOf.ts';
import type { Organisation } from '../../bundle/grants/organisation.ts';
import type { Evidence } from '../evidence/gather.ts';
import type { Forge } from '../forge/forge.ts';
import type { ForgeMerge } from '../forge/mergeOf.ts';
import type { Plan } from '../plan/finding.ts';
import { branchPrefix } from '../pulls/text/branch.ts';
import { bodyParts } from '../pulls/text/marker.ts';
import { type Basis, judgedIn } from '../pulls/text/sections.ts';
import type { RecordFacts } from '../records/recordFacts.ts';
import { isAttested } from '../requests/attest.ts';
import { stopIfAborted } from '../reviewError.ts';
import { readEnforcement } from './enforcement.ts';
import { type GrantChange, grantChanges, type Period } from './grantChanges.ts';
import { leavers } from './leavers.ts';
import { mergesOf } from './mergesOf.ts';
import { noticesWithin } from './noticesOf.ts';
import type { About, Pack } from './pack.ts';
import type { GatewayFacts } from './reportInput.ts';
import { reportPage } from './reportPage.ts';
import { filesOf } from './table.ts';
import { tablesOf } from './tables.ts';

type Options = {
  period: Period;
  /** Asked who approved and merged; null: that is left empty. */
  forge: Forge | null;
  gateways: readonly GatewayFacts[];
  records: readonly RecordFacts[];
  /** Whom the directory calls so of the forge's names. */
  principalOf: (login: string, organisation: Pick<Organisation, 'people'>) => string | null;
  signal?: AbortSignal | undefined;
};

/**
 * Makes the report of a period from what a review gathered at its end, before its usage is closed. Throws GitError,
 * ForgeError, ReviewError.
 */
export async function makeReport(
  { evidence, plan }: { evidence: Evidence; plan: Plan },
  { period, forge, gateways, records, principalOf, signal }: Options,
): Promise<{ pack: Pack; about: About }> {
  const { tree, organisation, usage } = evidence;
  const enforcement = await readEnforcement(tree, usage);
  const turns = await turnsOf(tree, enforcement.seen);
  const changes = await grantChanges(tree, organisation, period, { turns });
  const merges = forge === null ? null : await mergesOf(forge, changes, signal);
  const input = {
    ...{ period, organisation, plan, changes, merges, gateways, records },
    bases: forge === null ? new Map<number, null>() : await basesOf(forge, merges, signal),
    attested: forge === null ? new Set<number>() : await attestedOf(forge, changes, merges),
    notices:
      forge === null
        ? null
        : await noticesWithin(forge, await forge.listPulls(branchPrefix, period.from * 1000), period, signal),
    principalOf: (login: string) => principalOf(login, organisation),
    leavers: await leavers(tree, period, turns),
    enforcement,
    // Uses are kept by day: whole days that the period touches.
    uses: usage.files === 0 ? null : await usage.used(period.from / daySeconds, period.to / daySeconds),
  };
  const tables = tablesOf(input);
  const pack = filesOf(reportPage(input, tables), tables);
  const about = {
    from: instantOf(period.from),
    until: instantOf(period.to),
    revision: plan.revision,
    population: plan.population.digest,
  };
  return { pack, about };
}

/** Of the review's own words alone: what people write above and below them is theirs. */
async function basesOf(
  forge: Forge,
  merges: ReadonlyMap<string, ForgeMerge> | null,
  signal: AbortSignal | undefined,
): Promise<Map<number, Basis | null>> {
  const found = new Map<number, Basis | null>();
  for (const { number, branch } of merges?.values() ?? []) {
    if (!branch.startsWith(branchPrefix) || found.has(number)) continue;
    stopIfAborted(signal);
    const { isOurs, body } = await forge.getPull(number);
    found.set(number, isOurs ? judgedIn(bodyParts(body).own) : null);
  }
  return found;
}

async function attestedOf(
  forge: Forge,
  changes: readonly GrantChange[],
  merges: ReadonlyMap<string, ForgeMerge> | null,
): Promise<Set<number>> {
  const numbers = changes.flatMap(({ emergency, commit }) =>
    emergency ? (merges?.get(commit)?.number ?? []) : [],
  );
  const found = new Set<number>();
  for (const number of new Set(numbers)) if (await isAttested(forge, number)) found.add(number);
  return found;
}

/** The branch as it was at an instant, seconds since 1970; null when there was none. Throws GitError. */
export async function treeAt(root: string, revision: string, folder: string, at: number) {
  const listing = await git(root, ['rev-list', '-1', '--first-parent', `--before=${at}`, revision]);
  const commit = listing.toString().trim();
  return commit === '' ? null : gitTree(root, commit, folder);
}
