import { unknownNames } from './access/unknownNames.ts';
import type { Evaluate } from './archive/golden.ts';
import { askGolden, type Cost, slowSteps } from './askGolden.ts';
import { BundleError, type Problem } from './bundleError.ts';
import { compile } from './compile/compile.ts';
import { checkDetectors } from './detectors/checkDetectors.ts';
import { unknownDetectors } from './detectors/unknownDetectors.ts';
import { type ReadDocuments, readDocuments } from './documents/readDocuments.ts';
import { git } from './git/git.ts';
import { type Tree, workingTree } from './git/tree.ts';
import { load } from './grants/load.ts';
import type { Organisation } from './grants/organisation.ts';
import { usedIds } from './grants/usedIds.ts';
import { factTypes, unknownFacts } from './knowsFacts.ts';
import { assertKnowsParams } from './knowsParams.ts';
import { checkPolicies, hasPolicies } from './policy/checkPolicies.ts';
import { compilePolicy } from './policy/compilePolicy.ts';
import type { PolicyReads } from './policy/examine/policyReads.ts';
import { findOpa, type Opa } from './policy/opa.ts';
import { decisionPath, isBuiltIn, readPolicies } from './policy/policies.ts';
import { unfoldedKeys } from './unfoldedKeys.ts';
import { problem, sortProblems } from './yaml/problem.ts';

/** How much of each kind there is; zeros while there are problems in grants/. */
export type Summary = Record<'apis' | 'operations' | 'grants' | 'people' | 'groups' | 'services', number>;

function summarize(organisation: Organisation | null): Summary {
  if (organisation === null) return { apis: 0, operations: 0, grants: 0, people: 0, groups: 0, services: 0 };
  const { apis, grants, people, groups, services } = organisation;
  const operations = [...apis.values()].reduce((sum, api) => sum + api.operations.size, 0);
  return {
    apis: apis.size,
    operations,
    grants: grants.length,
    people: people.size,
    groups: groups.size,
    services: services.size,
  };
}

type Checked = { problems: Problem[]; warnings: Problem[]; summary: Summary; public: string[] };
type CheckOptions = {
  env?: NodeJS.ProcessEnv;
  progress?: (line: string) => void;
  /** Runs a compiled policy of one's own, for the questions that its bundle would carry; left out, none is asked. */
  evaluator?: (wasm: Buffer) => Evaluate;
};

/**
 * Checks the grants repository at `root` as it lies on disk: its files, ids that Git history says were used before
 * (in a Git repository), and its own policies if it has any, whose answers are asked for as a build would (these need opa,
 * which is looked for or installed; `progress` is told). Principals and owners that no directory knows are warnings, or problems where review.yaml says
 * so; a warning stops nothing. `public` names what anybody may call. Never depends on the clock. Throws OpaError, GitError, TreeError.
 */
export async function check(root: string, options: CheckOptions = {}): Promise<Checked> {
  const { organisation: _, ...checked } = await checkTree(await workingTree(root), options);
  return checked;
}

/** {@link check} of a tree, of a commit too. */
export async function checkTree(
  tree: Tree,
  options: CheckOptions = {},
): Promise<Checked & { organisation: Organisation | null }> {
  const { organisation, readable, problems, warnings } = await load(tree);
  const data = await readDocuments(tree);
  const unknown = readable === null ? [] : unknownNames(readable);
  const refused = readable?.review.unknown_names === 'refuse';
  const used =
    organisation && tree.revision
      ? [...(await cutHistory(tree.root)), ...(await usedIds(tree.root, tree.revision, organisation.grants))]
      : [];
  const policies: Problem[] = [];
  const slow: Problem[] = [];
  let reads: PolicyReads['documents'];
  if (await hasPolicies(tree)) {
    const opa = await findOpa(options);
    const facts = factTypes(organisation);
    const { problems: found, examined } = await checkPolicies(tree, opa, { ...data, facts });
    policies.push(...found);
    if (policies.length === 0 && organisation !== null && examined !== null)
      policies.push(...unknownFacts(examined, facts));
    if (organisation?.grants.some(({ params }) => params !== undefined))
      policies.push(...(await knows(tree)));
    if (policies.length === 0) policies.push(...(await checkDetectors(tree, opa)));
    if (policies.length === 0) reads = examined?.reads.documents;
    if (policies.length === 0 && organisation !== null && data.problems.length === 0)
      policies.push(
        ...(await checkAnswers({ tree, organisation, opa, data, reads, slow }, options.evaluator)),
      );
  }
  if (organisation !== null) policies.push(...(await unknownDetectors(tree, organisation.review)));
  return {
    organisation,
    problems: sortProblems([
      ...problems,
      ...data.problems,
      ...used,
      ...policies,
      ...(refused ? unknown : []),
    ]),
    warnings: sortProblems([
      ...warnings,
      ...(refused ? [] : unknown),
      ...(policies.length === 0 ? unreadDocuments(data, reads) : []),
      ...unfoldedKeys(data.documents, reads),
      ...slow,
    ]),
    summary: summarize(organisation),
    public: openOperations(organisation),
  };
}

/** A policy from before grants could restrict path parameters is found here, not when it is built. */
async function knows(tree: Tree): Promise<Problem[]> {
  try {
    assertKnowsParams(await readPolicies(tree, 'authz'));
    return [];
  } catch (error) {
    if (!(error instanceof BundleError)) throw error;
    return [problem('policies/authz', 'policy', error.message)];
  }
}

/** A decision of one's own that is green must be one that a bundle can be made of. */
async function checkAnswers(
  { tree, organisation, opa, data, reads, slow }: Answering,
  evaluator: CheckOptions['evaluator'],
): Promise<Problem[]> {
  const policies = await readPolicies(tree, 'authz');
  if (evaluator === undefined || (await isBuiltIn(policies, 'authz'))) return [];
  try {
    const wasm = await compilePolicy(opa, policies, decisionPath);
    const document = compile(organisation, data.documents);
    const asked = { tree, opa, policies, wasm, data: document, documents: reads, evaluator };
    await askGolden({ ...asked, slow: (cost) => slow.push(slowness(cost)) });
    return [];
  } catch (error) {
    if (!(error instanceof BundleError)) throw error;
    return [problem('policies/authz', 'policy', error.message)];
  }
}

type Answering = {
  tree: Tree;
  organisation: Organisation;
  opa: Opa;
  data: ReadDocuments;
  reads: PolicyReads['documents'];
  /** Where warnings go. */
  slow: Problem[];
};

function slowness({ subject, api, operation, steps, usual }: Cost): Problem {
  const times = Math.round(steps / Math.max(1, usual));
  const what = `the decision about ${subject} at ${operation} of ${api} takes ${counted(steps)} steps`;
  const other = `${times} times the ${counted(usual)} of the policy that comes with the product`;
  const bound = `more than ${counted(slowSteps)} are slow, and fifty times as many are a denial`;
  return problem('policies/authz', 'policy-slow', `${what}, ${other}: ${bound}`);
}

const counted = (steps: number) => steps.toLocaleString('en');

/** What no decision is made by need not be there; a policy from before it may have been forgotten. */
function unreadDocuments({ sizes }: ReadDocuments, reads: PolicyReads['documents'] = []): Problem[] {
  const read = new Set(reads.map(({ name }) => name));
  return [...sizes.keys()]
    .filter((name) => !read.has(name))
    .map((name) => problem(`data/${name}.yaml`, 'data-unread', `no policy reads data.documents.${name}`));
}

/** What anybody may call, as `OPERATION of API`. */
const openOperations = (organisation: Organisation | null): string[] =>
  [...(organisation?.apis.values() ?? [])].flatMap(({ name, public: open = [] }) =>
    open.map((operation) => `${operation} of ${name}`),
  );

/** Ids that were used before cannot be told where history was cut off: what was not looked at is not green. */
async function cutHistory(root: string): Promise<Problem[]> {
  const shallow = (await git(root, ['rev-parse', '--is-shallow-repository'])).toString().trim();
  if (shallow === 'false') return [];
  const what = 'this clone is shallow, so ids of grants that were used before cannot be found';
  return [
    problem(
      'grants',
      'history-shallow',
      `${what}: clone with all history (fetch-depth: 0), or git fetch --unshallow`,
    ),
  ];
}
