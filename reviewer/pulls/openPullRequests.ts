import { gitTree } from '../../bundle/git/tree.ts';
import { load } from '../../bundle/grants/load.ts';
import { edit, removeExemptions } from '../edit/edit.ts';
import type { Evidence } from '../evidence/gather.ts';
import type { Forge, ForgePull } from '../forge/forge.ts';
import { ForgeError } from '../forge/forgeError.ts';
import type { Finding, Plan } from '../plan/finding.ts';
import { editOf } from '../plan/propose.ts';
import { ReviewError, stopIfAborted } from '../reviewError.ts';
import { parseBody, renderBody } from './body.ts';
import { type Group, groupFindings, mostFindings } from './group.ts';
import type { Pull } from './pull.ts';
import { renderTitle } from './title.ts';
import { branchPrefix, type Files, type Mirror } from './workspace.ts';

const hourMs = 3_600_000;
/** How long a pull request closed without a merge counts as an answer. */
const rememberedMs = 30 * 24 * hourMs;
const reviewFile = 'grants/review.yaml';

type Options = {
  forge: Forge;
  mirror: Mirror;
  plan: Plan;
  evidence: Evidence;
  /** Filled as pull requests are dealt with, so that an error leaves what was done. */
  pulls: Pull[];
  /** Milliseconds since 1970. */
  asOf: number;
  signal?: AbortSignal | undefined;
  progress?: ((line: string) => void) | undefined;
};

/**
 * Brings the forge's pull requests in line with a plan: one branch and pull request per owner and detector tier. What
 * is there and still says the same is left alone, so a second run changes nothing. Throws ForgeError, ReviewError.
 */
export async function openPullRequests(options: Options): Promise<void> {
  const { forge, evidence, asOf, pulls, signal, progress } = options;
  const groups = groupFindings(options.plan);
  if (groups.length === 0) return;
  const known = await forge.listPulls(branchPrefix, asOf - rememberedMs);
  const room = openRoom(known, evidence, asOf);
  const declined = new Set(
    known
      .filter(
        ({ state, merged, closedAt }) =>
          state === 'closed' && !merged && (closedAt ?? 0) > asOf - rememberedMs,
      )
      .flatMap(({ body }) => parseBody(body)?.fingerprints ?? []),
  );
  for (const group of groups) {
    stopIfAborted(signal);
    const open = known.find(({ state, branch }) => state === 'open' && branch === group.branch) ?? null;
    const pull = await settle(group, open, declined, room, options);
    pulls.push(pull);
    progress?.(
      `${pull.action} ${pull.url ?? pull.branch}${pull.reason === undefined ? '' : ` (${pull.reason})`}`,
    );
  }
}

type Room = { take(group: Group): string | null };

/** The limits on pull requests that are not urgent. Urgent ones take no room and need none. */
function openRoom(known: readonly ForgePull[], { organisation }: Evidence, asOf: number): Room {
  const { open, per_hour } = organisation.review.pull_requests;
  const counting = known.filter(({ branch }) => !branch.endsWith('/urgent'));
  let opened = counting.filter(({ state }) => state === 'open').length;
  let lately = counting.filter(({ createdAt }) => createdAt > asOf - hourMs).length;
  return {
    take({ tier }) {
      if (tier === 'urgent') return null;
      if (opened >= open) return `${opened} pull requests are open (pull_requests.open: ${open})`;
      if (lately >= per_hour)
        return `${lately} were opened within the hour (pull_requests.per_hour: ${per_hour})`;
      opened += 1;
      lately += 1;
      return null;
    },
  };
}

async function settle(
  wanted: Group,
  open: ForgePull | null,
  declined: ReadonlySet<string>,
  room: Room,
  options: Options,
): Promise<Pull> {
  const { mirror, forge } = options;
  const { branch } = wanted;
  const undeclined = wanted.findings.filter(({ fingerprint }) => !declined.has(fingerprint));
  const findings = undeclined.slice(0, mostFindings);
  const grants = findings.map(({ grant }) => grant);
  const result = (action: Pull['action'], pull: ForgePull | null, reason?: string): Pull => ({
    number: pull?.number ?? null,
    url: pull?.url ?? null,
    branch,
    grants: findings.length > 0 ? grants : wanted.findings.map(({ grant }) => grant),
    action,
    ...(reason !== undefined && { reason }),
  });
  if (findings.length === 0)
    return open === null
      ? result('held', null, 'closed without a merge within 30 days')
      : result('unchanged', open, 'closed without a merge within 30 days');

  const there = mirror.branches.get(branch);
  if (there !== undefined && (await mirror.hasHumanCommits(there)))
    return result(open === null ? 'held' : 'unchanged', open, 'the branch has commits by people');
  if (open !== null && there !== undefined) {
    const said = parseBody(open.body)?.fingerprints;
    const same =
      said !== undefined &&
      sameSet(
        said,
        findings.map(({ fingerprint }) => fingerprint),
      );
    if (same && !(await mirror.conflicts(there))) return result('unchanged', open);
  }
  if (open === null) {
    const full = room.take(wanted);
    if (full !== null) return result('held', null, full);
  }

  const group = { ...wanted, findings };
  const waiting = undeclined.length - findings.length;
  const { plan, evidence } = options;
  const { organisation, asOf } = evidence;
  const title = renderTitle(group.owner, findings);
  const texts = { title, body: renderBody({ group, plan, organisation, asOf, waiting }) };
  let commit: string;
  try {
    commit = await mirror.commit(await filesOf(findings, evidence), messageOf(title, findings), asOf);
    await checkCommit(mirror, commit);
  } catch (error) {
    // One file that is written too strangely to be edited must not hold up everybody else's review.
    if (!(error instanceof ReviewError) || error.code !== 'edit-failed') throw error;
    return result(open === null ? 'held' : 'unchanged', open, error.message);
  }
  await mirror.push(branch, commit);
  if (open !== null) return result('updated', await forge.updatePull(open.number, texts));
  return result('opened', await create(forge, mirror, branch, texts));
}

const sameSet = (left: readonly string[], right: readonly string[]) =>
  left.length === right.length && new Set([...left, ...right]).size === right.length;

/** What becomes of the files: the edits of all findings, and of the exemptions of grants that go. */
async function filesOf(findings: readonly Finding[], { tree, organisation }: Evidence): Promise<Files> {
  const exempt = new Set(organisation.review.exemptions.map(({ grant }) => grant));
  const gone = new Set<string>();
  const paths = new Set(findings.map(({ change }) => change.file));
  for (const finding of findings)
    if (exempt.has(finding.grant) && editOf(finding).kind === 'delete') gone.add(finding.grant);
  if (gone.size > 0) paths.add(reviewFile);
  const files = new Map<string, string | null>(
    [...(await tree.read([...paths]))].map(([path, bytes]) => [path, bytes.toString('utf8')]),
  );
  for (const finding of findings) {
    const { file } = finding.change;
    const text = files.get(file);
    if (typeof text !== 'string')
      throw new ReviewError('edit-failed', `${file}: has no grant ${finding.grant}`);
    files.set(file, edit(text, file, editOf(finding)));
  }
  const rules = files.get(reviewFile);
  if (typeof rules === 'string') files.set(reviewFile, removeExemptions(rules, reviewFile, gone));
  return files;
}

function messageOf(title: string, findings: readonly Finding[]): string {
  const lines = findings.map(
    ({ action, grant, detector, sentence }) => `${action} ${grant} (${detector}): ${sentence}`,
  );
  return `${title}\n\n${lines.join('\n')}\n`;
}

/** What the bot proposes must itself be good: a merge of it is what gateways enforce next. */
async function checkCommit(mirror: Mirror, commit: string): Promise<void> {
  const { problems } = await load(await gitTree(mirror.repository, commit));
  const [first] = problems;
  if (first !== undefined)
    throw new ReviewError('edit-failed', `${first.file}:${first.line}:${first.column}: ${first.message}`);
}

/**
 * Opens a pull request for a pushed branch. When that fails the forge is asked what it has, for an answer may be lost
 * after the work was done. A branch that truly has no pull request is deleted; where even that cannot be told, it
 * stays, and the next run goes on from it.
 */
async function create(
  forge: Forge,
  mirror: Mirror,
  branch: string,
  texts: { title: string; body: string },
): Promise<ForgePull> {
  try {
    return await forge.createPull(branch, texts);
  } catch (error) {
    if (!(error instanceof ForgeError)) throw error;
    const found = await forge.findOpen(branch).catch(() => undefined);
    if (found) return found;
    if (found === null) await mirror.deleteBranch(branch).catch(() => {});
    throw error;
  }
}
