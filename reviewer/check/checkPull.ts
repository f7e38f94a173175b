import type { Problem } from '../../bundle/bundleError.ts';
import { checkTree } from '../../bundle/check.ts';
import { diffTrees } from '../../bundle/diff/diffTrees.ts';
import { git } from '../../bundle/git/git.ts';
import { mergeBase } from '../../bundle/git/mergeBase.ts';
import { rememberFiles } from '../../bundle/git/rememberFiles.ts';
import { gitTree } from '../../bundle/git/tree.ts';
import { load } from '../../bundle/grants/load.ts';
import type { Organisation } from '../../bundle/grants/organisation.ts';
import { removals } from '../../bundle/grants/usedIds.ts';
import { findOpa, type Opa } from '../../bundle/policy/opa.ts';
import { readPolicies } from '../../bundle/policy/policies.ts';
import { formatProblem } from '../../bundle/yaml/problem.ts';
import { evaluateWasm } from '../../gateway/decision/evaluator.ts';
import { findLogs } from '../evidence/findLogs.ts';
import { type Replay, shortened } from '../replay/replay.ts';
import { replayTrees } from '../replay/replayRevisions.ts';
import { stopIfAborted } from '../reviewError.ts';
import { accessRows } from './accessRows.ts';
import { changedLines } from './changedLines.ts';
import { type ChangeFacts, changeFacts } from './changeFacts.ts';
import { datedAhead } from './datedAhead.ts';
import { findingText } from './findingText.ts';
import { judgeChanges, type Verdict } from './judgeChanges.ts';
import { type CheckedPlace, mostShown, type PullCheck } from './pullCheck.ts';

type Options = {
  repository: string;
  /** The branch that is merged into, and what is merged. What base did meanwhile is not judged. */
  base: string;
  head: string;
  /** Decision logs to replay; none when there are none. */
  decisions: readonly string[];
  days: number;
  /** Whole seconds since 1970. */
  asOf: number;
  opa?: Opa;
  signal?: AbortSignal | undefined;
  progress?: ((line: string) => void) | undefined;
};

/**
 * Checks what a pull request would merge. Nothing of head is run but the tests of its policies, which reach nobody; rules,
 * tiers, owners and policies of the check are the base's. Throws GitError `git-revision`, BundleError where base itself
 * cannot be compiled, ReviewError, OpaError.
 */
export async function checkPull(options: Options): Promise<PullCheck> {
  const { repository, asOf, signal, progress } = options;
  // What is checked, compared and replayed is read once.
  const opened = async (revision: string) => rememberFiles(await gitTree(repository, revision));
  // The rules are those in force, not those of the day the branch was made.
  const rules = await opened(options.base);
  const after = await opened(options.head);
  const head = after.revision;
  const base = await mergeBase(repository, rules.revision, head);
  const before = rules.revision === base ? rules : await opened(base);
  const opa = options.opa ?? (await findOpa(progress === undefined ? {} : { progress }));
  const prefix = (await git(repository, ['rev-parse', '--show-prefix'])).toString().trim();
  progress?.('checking files and policies');
  const [known, checked] = [await load(before), await checkTree(after, { evaluator: evaluateWasm })];
  const changed = await changedLines(repository, base, head);
  stopIfAborted(signal);

  const common = { version: 1 as const, base, head, asOf };
  const ahead = datedAhead(known.organisation, checked.organisation, asOf);
  const told = problemsOf(
    { problems: [...checked.problems, ...ahead], warnings: checked.warnings },
    new Set([...known.problems, ...known.warnings].map(formatProblem)),
  );
  const problems = told
    .map((one) => ({ ...one, changed: changed.has(one.path, one.line) }))
    .sort((a, b) => rank(a) - rank(b))
    .slice(0, mostShown.problems)
    .map(({ path, line, level, message }) => ({ path: `${prefix}${path}`, line, level, message }));
  const counted = {
    problems,
    moreProblems: told.length - problems.length,
    failures: told.filter(({ level }) => level === 'failure').length,
  };
  const judged = rules === before ? known : await load(rules);
  if (judged.organisation === null || known.organisation === null || checked.organisation === null)
    return { ...common, ...counted, ...unjudged };

  progress?.('comparing access');
  const diff = await diffTrees(before, after, null);
  const rulesChanged = [
    ...changed.paths.filter((path) => path === 'grants/review.yaml' || /^(?:data|policies)\//.test(path)),
    ...new Set(diff.heads.facts.map(({ api }) => `the facts of ${api}`)),
  ];
  const { organisation } = checked;
  const there = new Set(known.organisation.grants.map(({ id }) => id));
  const coming = organisation.grants.flatMap(({ id }) => (there.has(id) ? [] : id));
  const facts = changeFacts({
    // Tiers, owners and pairs of duties as they are in force; grants as the branch found them.
    base: { ...known.organisation, apis: judged.organisation.apis, review: judged.organisation.review },
    ...{ head: organisation, diff, rulesChanged, asOf },
    removed: await removals(before.root, base, new Set(coming)),
  });
  const verdict = await judgeChanges(opa, await readPolicies(rules, 'check'), {
    ...{ rules: judged.organisation.review.approval, asOf, changes: facts.changes },
  });
  // Where the change broke the policy, its own problems say so.
  const isReplayed = counted.failures === 0 && (await findLogs(options.decisions)).length > 0;
  if (isReplayed) progress?.('replaying recorded requests');
  const replayed = isReplayed ? await replayTrees({ ...options, base: before, head: after, opa }) : null;
  return {
    ...common,
    ...counted,
    access: accessRows(diff),
    ...boundedVerdict(verdict, facts, organisation, prefix),
    replay: replayed === null || replayed.requests.recorded === 0 ? null : bounded(replayed),
  };
}

const unjudged = {
  access: null,
  ...{ findings: [], moreFindings: 0, findingFailures: 0 },
  ...{ requirements: [], selfGrant: 'refuse' as const, gainers: [], gainersCut: false, replay: null },
};

const rank = ({ level, changed }: { level: string; changed: boolean }) =>
  (level === 'failure' ? 0 : 2) + (changed ? 0 : 1);

/** Every problem of head, and the warnings that base did not have. */
function problemsOf(
  { problems, warnings }: { problems: Problem[]; warnings: Problem[] },
  known: ReadonlySet<string>,
) {
  const told =
    (level: 'failure' | 'warning') =>
    ({ file, line, message }: Problem) => ({
      // A file may have any name; what is posted must not.
      ...{ path: pathOf(file), line, level },
      message: message.slice(0, 2000),
    });
  return [
    ...problems.map(told('failure')),
    ...warnings.filter((one) => !known.has(formatProblem(one))).map(told('warning')),
  ];
}

const pathOf = (file: string) => file.replace(/\p{Cc}/gu, '?').slice(0, 900);

function boundedVerdict(verdict: Verdict, facts: ChangeFacts, { grants }: Organisation, prefix: string) {
  const places = new Map(grants.map(({ id, place }) => [id, place]));
  const placeOf = (grant: string | undefined): CheckedPlace => {
    const place = places.get(grant ?? '');
    return place === undefined ? null : { path: `${prefix}${place.file}`, line: place.line };
  };
  const order = ['failure', 'warning', 'notice'];
  const all = verdict.findings
    .map(({ rule, level, change, message }) => ({
      ...{ rule, level },
      message: message ?? findingText(rule, facts.changes[change], facts.details[change] ?? ''),
      place: placeOf(facts.changes[change]?.grant),
    }))
    .sort((a, b) => order.indexOf(a.level) - order.indexOf(b.level));
  return {
    findings: all.slice(0, mostShown.problems),
    moreFindings: Math.max(0, all.length - mostShown.problems),
    findingFailures: all.filter(({ level }) => level === 'failure').length,
    requirements: verdict.requirements.slice(0, mostShown.rows),
    selfGrant: verdict.self_grant,
    ...gainersOf(verdict, facts),
  };
}

/** As many names as a file may hold; that there are more must be known, for any of them may be the author's. */
function gainersOf({ guarded }: Verdict, facts: ChangeFacts): Pick<PullCheck, 'gainers' | 'gainersCut'> {
  let left = mostShown.gainers;
  let gainersCut = guarded.length > mostShown.rows;
  const gainers = guarded.slice(0, mostShown.rows).map((api) => {
    const all = facts.gainers.get(api) ?? [];
    const who = all.slice(0, left);
    left -= who.length;
    gainersCut ||= who.length < all.length;
    return { api, who };
  });
  return { gainers, gainersCut };
}

/** What records say is anybody's text. */
const brief = (text: string) => text.slice(0, 500);

function bounded(replay: Replay): PullCheck['replay'] {
  const cut = shortened(replay, mostShown.callers);
  const grants = (effects: Replay['denied']) => ({
    ...effects,
    by: effects.by.map((one) => ({
      ...one,
      ...{ subject: brief(one.subject), api: brief(one.api), operation: brief(one.operation) },
      grants: one.grants.slice(0, 100).map(brief),
      why: brief(one.why),
    })),
  });
  const { denied, unproven, ending, allowed } = cut;
  return {
    ...cut,
    ...{
      denied: grants(denied),
      unproven: grants(unproven),
      ending: grants(ending),
      allowed: grants(allowed),
    },
    skipped: cut.skipped.map((one) => ({ ...one, api: brief(one.api), operation: brief(one.operation) })),
  };
}
