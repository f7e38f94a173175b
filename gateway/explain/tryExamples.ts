import { lstat, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Problem } from '../../bundle/bundleError.ts';
import { type Example, exampleFile } from '../../bundle/grants/api/example.ts';
import { decisionPath } from '../../bundle/policy/policies.ts';
import { nearMiss } from '../../bundle/yaml/nearMiss.ts';
import type { Place } from '../../bundle/yaml/places.ts';
import { problem, show, sortProblems } from '../../bundle/yaml/problem.ts';
import { readChecked } from '../../bundle/yaml/readFile.ts';
import { createEvaluator } from '../decision/evaluator.ts';
import { createSlices } from '../revision/slices.ts';
import type { Snapshot } from '../revision/snapshot.ts';
import { createDecideAsked } from './decideAsked.ts';
import { ExplainError, matchOperation } from './matchOperation.ts';
import { readQuestion } from './readQuestion.ts';

/** An example with the places of its parts. */
export type PlacedExample = { example: Example; place: (key: keyof Example) => Place };

/** Those of a repository; files that have problems give none. */
export type Examples = { examples: readonly PlacedExample[]; problems: readonly Problem[] };

const mostBytes = 1024 * 1024;

/** Reads `tests/*.yaml` of the repository at `root`, as they lie on disk. */
export async function readExamples(root: string): Promise<Examples> {
  const examples: PlacedExample[] = [];
  const problems: Problem[] = [];
  // What is proposed is tried before anybody has read it: a link would have files of this machine read, and told of.
  const folder = await lstat(join(root, 'tests')).catch(() => null);
  if (folder?.isSymbolicLink()) {
    const message = '"tests" must be a folder, got a symbolic link';
    return { examples, problems: [problem('tests', 'not-a-file', message)] };
  }
  const names =
    folder?.isDirectory() === true
      ? (await readdir(join(root, 'tests'))).filter((name) => name.endsWith('.yaml'))
      : [];
  for (const name of names.sort()) {
    const file = `tests/${name}`;
    const stat = await lstat(join(root, file));
    if (!stat.isFile() || stat.size > mostBytes) {
      problems.push(
        problem(file, 'not-a-file', `${show(file)} must be a regular file of at most ${mostBytes} bytes`),
      );
      continue;
    }
    const read = readChecked(exampleFile, await readFile(join(root, file)), file, { empty: [] });
    problems.push(...read.problems);
    for (const [index, example] of (read.value ?? []).entries())
      examples.push({ example, place: (key) => read.places.nearest([index, key]) });
  }
  return { examples, problems };
}

/** Decides each example by a snapshot; a problem for each that comes out otherwise, saying what was decided instead. */
export function tryExamples(snapshot: Snapshot, examples: readonly PlacedExample[]): Problem[] {
  const slices = createSlices(snapshot);
  const evaluator = createEvaluator(snapshot.wasm, decisionPath);
  const decide = createDecideAsked({ snapshot, slices, evaluator });
  /** What no operation is meant by is answered 404. */
  const resultOf = (question: unknown) => {
    const asked = readQuestion(question, snapshot, 0);
    const { matched, candidates } = matchOperation(snapshot.apis, asked);
    // A name that is misspelt is denied, whoever asks: that shows nothing.
    if (matched === null && 'operation' in asked.call) {
      const { operation } = asked.call;
      const known = candidates.map((one) => one.operation);
      const all = known.sort().join(', ');
      throw new ExplainError(
        `${asked.api} has no operation "${operation}"${nearMiss(operation, known)}; it has ${all}`,
      );
    }
    return matched === null
      ? { allow: false, grants: [], reason: 'no-such-operation' }
      : decide(asked, matched).decision.result;
  };
  const judge = ({ example, place }: PlacedExample): Problem | null => {
    const { who, why, expect, reason, grants, at, operation, path, ...asked } = example;
    const fault = (key: keyof Example, message: string) => problem(place(key), 'example', message);
    let result: ReturnType<typeof resultOf>;
    try {
      const instant = at.includes('T') ? at : `${at}T00:00:00Z`;
      const call = path === undefined ? { operation } : { path };
      result = resultOf({ ...asked, ...call, subject: who, at: instant });
    } catch (error) {
      if (!(error instanceof ExplainError)) throw error;
      return fault('who', `the example cannot be asked: ${error.message}`);
    }
    const got = `${result.allow ? 'allow' : 'deny'} (${[result.reason, ...result.grants].join(', ')})`;
    const wanted = (what: string) =>
      `${who} at ${operation ?? path} of ${asked.api} should get ${what}, got ${got}: ${why}`;
    if (result.allow !== (expect === 'allow')) return fault('expect', wanted(expect));
    if (reason !== undefined && result.reason !== reason)
      return fault('reason', wanted(`the reason ${show(reason)}`));
    if (grants !== undefined && [...grants].sort().join() !== [...result.grants].sort().join())
      return fault('grants', wanted(`it by ${grants.join(', ') || 'no grant'}`));
    return null;
  };
  return sortProblems(examples.map(judge).filter((one) => one !== null));
}
