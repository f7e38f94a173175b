import { daySeconds, instantOf } from '../bundle/format/times.ts';
import { firstParentLine } from '../bundle/git/firstParentLine.ts';
import { rememberFiles } from '../bundle/git/rememberFiles.ts';
import { gitTree } from '../bundle/git/tree.ts';
import { turnsOf } from '../bundle/git/turnsOf.ts';
import { startOf } from '../bundle/grants/dates.ts';
import { attestations, listParts, viewParts } from './campaign/advance.ts';
import { campaignPrefix, type Frozen, readFrozen } from './campaign/frozen.ts';
import { baseOf } from './campaign/preparePart.ts';
import { reportOf } from './campaign/report.ts';
import { readUsage } from './evidence/usage.ts';
import { type ForgePull, type ForgeTarget, openForge } from './forge/forge.ts';
import { organisationOf } from './organisationOf.ts';
import { principalOf } from './pulls/commands/permission.ts';
import { type Mirror, openMirror } from './pulls/mirror.ts';
import { recordFacts } from './records/recordFacts.ts';
import { recountScope } from './recountScope.ts';
import { campaignPage } from './report/campaign/campaignPage.ts';
import { campaignTables } from './report/campaign/campaignTables.ts';
import { endedAt, partFacts } from './report/campaign/partFacts.ts';
import { readEnforcement } from './report/enforcement.ts';
import { grantChanges } from './report/grantChanges.ts';
import { treeAt } from './report/makeReport.ts';
import type { About, Pack } from './report/pack.ts';
import { doubted } from './report/recordRows.ts';
import type { GatewayFacts } from './report/reportInput.ts';
import { filesOf } from './report/table.ts';
import { ReviewError } from './reviewError.ts';
import { openSources } from './sources/openSources.ts';

type Options = {
  name: string;
  /** Where the campaign runs, or ran: the forge holds all that is told of it. */
  forge: ForgeTarget;
  /** Decision logs and roll-ups, to say when gateways decided by what was merged. */
  decisions: readonly string[];
  gateways: readonly GatewayFacts[];
  /** Seconds since 1970; what a campaign that is not finished is told as of. */
  asOf: number;
  signal?: AbortSignal;
  progress?: (line: string) => void;
};

/** What decisions are looked for after the end of a campaign: by then every gateway decided by it, or is not to be waited for. */
const enforcedWithinSeconds = 14 * daySeconds;

/**
 * The evidence of one campaign: of one that is finished as of its end, so that the same inputs give the same bytes; of
 * another as of now, and it says so; and the gateways whose records are not as they were written. Throws ReviewError `campaign-unknown`, `campaign-malformed`, ForgeError, GitError.
 */
export async function campaignReport(
  options: Options,
): Promise<{ pack: Pack; about: Required<About>; doubted: string[] }> {
  const { name, forge: target, decisions, gateways, asOf, signal, progress } = options;
  const forge = openForge(target, signal);
  // Read besides, while the forge is asked.
  const reading = recordFacts(decisions, signal);
  reading.catch(() => {});
  progress?.(`fetching ${forge.slug}`);
  const mirror = await openMirror(forge, signal, campaignPrefix(name));
  try {
    const frozen = await readFrozen({ forge, mirror }, name);
    if (frozen === null)
      throw new ReviewError(
        'campaign-unknown',
        `${forge.slug} has no campaign ${name}: it was not opened there by this account (--review-account names another), or its branch ${campaignPrefix(name)}frozen was deleted or written over`,
      );
    progress?.('reading pull requests');
    const known = await listParts(forge, frozen);
    const results = viewParts(frozen, known);
    const attested = await attestations(results, known, forge);
    const end = endOfAll(frozen, known, results.length, asOf);
    const at = end ?? asOf;
    const merges = results.flatMap(({ state, number }) => (state === 'merged' ? (number ?? []) : []));
    const line = await firstParentLine(mirror.repository, mirror.base.commit);
    const tree = rememberFiles(await treeThen(mirror, at, await lastMerge(merges, forge, line), line));
    const base = baseOf(tree, await organisationOf(tree, 'the branch had'), at);
    const report = reportOf(frozen, { results, attested, base, asOf: at });
    const { organisation } = base;
    const parts = await partFacts(report.parts, forge, { frozen, known, until: at, signal });
    const ids = new Set(frozen.entries.map(({ grant }) => grant));
    progress?.('reading the history of grants');
    const counted = await recountScope(frozen, mirror);
    // Behind the commit that was frozen, whatever clocks say; without it, from then on.
    const [from, after] = counted === null ? [startOf(frozen.opened)] : [0, frozen.commit];
    progress?.('reading decision records');
    const enforcement = await enforcementOf(frozen, mirror, at, options);
    const turns = await turnsOf(tree, enforcement.seen);
    const changes = await grantChanges(tree, organisation, { from, to: at + 1 }, { after, turns });
    const input = {
      ...{ frozen, at, report, parts, organisation, gateways },
      revision: tree.revision ?? '',
      changes: changes.filter(({ grant }) => ids.has(grant)),
      recount: counted,
      ...{ enforcement, records: await reading },
      principalOf: (login: string) => principalOf(login, organisation),
    };
    const tables = campaignTables(input);
    const about = {
      ...{ from: frozen.opened, until: instantOf(at), revision: input.revision },
      population: frozen.population.digest,
      campaign: { name, finished: report.finished },
    };
    return { pack: filesOf(campaignPage(input, tables), tables), about, doubted: doubted(input.records) };
  } finally {
    await mirror.close();
  }
}

/** When gateways decided by what was merged until `at`, as far as records tell. */
async function enforcementOf(
  { opened }: Frozen,
  mirror: Mirror,
  at: number,
  { decisions, asOf, signal }: Options,
) {
  const since = opened.slice(0, 10);
  const sources = await openSources({ decisions, usage: [], since, token: null, signal });
  const until = Math.min(at + enforcedWithinSeconds, asOf);
  const usage = await readUsage({ sources: sources.decisions, asOf: until, since: 0, signal });
  try {
    return await readEnforcement(await mirror.tree(), usage);
  } finally {
    await usage.close();
    await sources.close();
  }
}

/** When the last part ended; null while one has not, or is not there yet. */
function endOfAll(frozen: Frozen, known: readonly ForgePull[], parts: number, asOf: number): number | null {
  const ends = new Map<string, number | null>();
  for (const pull of known) {
    const ended = endedAt(pull, frozen);
    const before = ends.get(pull.branch);
    // A merged one counts, whatever else was opened of its branch.
    if (before === undefined || pull.merged || before === null) ends.set(pull.branch, ended);
  }
  const all = [...ends.values()];
  if (all.length < parts || all.some((end) => end === null || end > asOf)) return null;
  return Math.max(...all.map((end) => end ?? 0));
}

/** The commit of the branch (its first parents, the newest first) that the last of some pull requests became. */
async function lastMerge(
  numbers: readonly number[],
  forge: ReturnType<typeof openForge>,
  line: readonly string[],
): Promise<string | null> {
  const commits = new Set<string>();
  for (const number of numbers) {
    const commit = (await forge.mergeOf(number))?.commit;
    if (commit != null) commits.add(commit);
  }
  return line.find((commit) => commits.has(commit)) ?? null;
}

/** The branch at an instant, and with the last merge in it: the clocks of a forge and of Git need not agree. */
async function treeThen(
  { repository, base, folder }: Mirror,
  at: number,
  last: string | null,
  line: readonly string[],
) {
  const then = await treeAt(repository, base.commit, folder, at);
  if (then === null || last === null) return then ?? gitTree(repository, base.commit, folder);
  return line.indexOf(last) < line.indexOf(then.revision ?? '') ? gitTree(repository, last, folder) : then;
}
