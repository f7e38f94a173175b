import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { BundleError, type Problem } from '../bundleError.ts';
import type { Tree } from '../git/tree.ts';
import { problem } from '../yaml/problem.ts';
import { checkTypes } from './checkTypes.ts';
import { compilePolicy } from './compilePolicy.ts';
import type { KnownDocuments } from './examine/documentReads.ts';
import { type Examined, examinePolicy } from './examine/examinePolicy.ts';
import type { Opa } from './opa.ts';
import { assertPackages, capabilitiesFile, decisionPath, readPolicies } from './policies.ts';
import { runTests } from './runTests.ts';

const complaints = z.object({
  errors: z.array(
    z.object({
      message: z.string(),
      location: z.object({ file: z.string(), row: z.number(), col: z.number() }).optional(),
    }),
  ),
});

async function strictly(opa: Opa, work: string, paths: readonly string[], options: readonly string[]) {
  if (paths.length === 0) return [];
  const result = await opa.run(['check', '--strict', '--format', 'json', ...options, ...paths], {
    cwd: work,
  });
  if (result.code === 0) return [];
  let parsed: unknown = null;
  try {
    parsed = JSON.parse(result.stdout || result.stderr);
  } catch {
    // Reported below, as it stands.
  }
  const known = complaints.safeParse(parsed);
  if (!known.success || known.data.errors.length === 0)
    return [problem('policies', 'policy', `opa check fails: ${(result.stderr || result.stdout).trim()}`)];
  return known.data.errors.map(
    ({ message, location }): Problem => ({
      file: location?.file ?? 'policies',
      line: location?.row ?? 1,
      column: location?.col ?? 1,
      code: 'policy',
      message: `${message.trim()} (opa check --strict)`,
    }),
  );
}

/** What a policy may know besides: types of facts, and of data documents how large each is and what may stand in it. */
type Known = {
  facts: ReadonlyMap<string, string>;
  sizes: KnownDocuments;
  schemas: ReadonlyMap<string, unknown>;
};

type Checked = {
  problems: Problem[];
  /** What the repository's own decision reads; null where it brings none, or it cannot be told. */
  examined: Pick<Examined, 'facts' | 'reads'> | null;
};

/** Whether a repository brings policies of its own. */
export async function hasPolicies(tree: Tree): Promise<boolean> {
  return (await tree.list()).some((path) => path.startsWith('policies/') && path.endsWith('.rego'));
}

/**
 * Checks the repository's own policies: `opa check --strict` of all, with the runtime's built-ins only for what is no
 * test; that it reads what a decision gets, by its types; that the decision compiles, so that a merge that is green here
 * can be built; and that its tests pass. `known` is what there is to read besides. Throws OpaError.
 */
export async function checkPolicies(tree: Tree, opa: Opa, known: Known): Promise<Checked> {
  const rego = (await tree.list()).filter((path) => path.startsWith('policies/') && path.endsWith('.rego'));
  const policies = rego.filter((path) => !path.endsWith('_test.rego'));
  const work = await mkdtemp(join(tmpdir(), 'grantgate-check-'));
  try {
    // A copy of a detector of ours needs the others; one that is none has our path and is refused elsewhere.
    const review = await readPolicies(tree, 'review');
    const beside = rego.some((path) => review.has(path)) ? review : new Map<string, Buffer>();
    const all = (paths: readonly string[]) => [...new Set([...beside.keys(), ...paths])];
    for (const [path, source] of [...beside, ...(await tree.read(rego))]) {
      await mkdir(dirname(join(work, path)), { recursive: true });
      await writeFile(join(work, path), source);
    }
    // The policies first: an error there would come back from the tests that use them.
    const problems = await strictly(opa, work, all(policies), ['--capabilities', capabilitiesFile]);
    // Without tests it would be the same again, with more built-ins.
    if (problems.length === 0 && policies.length < rego.length)
      problems.push(...(await strictly(opa, work, all(rego), [])));
    if (problems.length > 0) return { problems, examined: null };
    const decision = policies.some((path) => path.startsWith('policies/authz/'))
      ? await checkDecision(await readPolicies(tree, 'authz'), opa, known)
      : { problems: [], examined: null };
    if (decision.problems.length > 0) return decision;
    return { ...decision, problems: await runTests(tree, opa) };
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function checkDecision(authz: ReadonlyMap<string, Buffer>, opa: Opa, known: Known): Promise<Checked> {
  try {
    assertPackages(authz);
    const { problems, ...examined } = await examinePolicy(opa, authz, known.sizes);
    const { reads } = examined;
    if (problems.length === 0) problems.push(...(await checkTypes(opa, authz, known, reads.documents)));
    await compilePolicy(opa, authz, decisionPath);
    return { problems, examined };
  } catch (error) {
    if (!(error instanceof BundleError)) throw error;
    return { problems: [problem('policies/authz', 'policy', error.message)], examined: null };
  }
}
