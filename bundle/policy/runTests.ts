import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import type { Problem } from '../bundleError.ts';
import type { Tree } from '../git/tree.ts';
import { problem } from '../yaml/problem.ts';
import type { Opa } from './opa.ts';
import { readPolicies } from './policies.ts';

/** A change that somebody proposes is checked before anybody has read it: its tests see no secrets and reach nobody. */
const outward = new Set(['http.send', 'net.lookup_ip_addr', 'opa.runtime']);

const current = z.looseObject({ builtins: z.array(z.looseObject({ name: z.string() })) });
const report = z.array(
  z.object({
    location: z.object({ file: z.string(), row: z.number(), col: z.number() }),
    name: z.string(),
    fail: z.boolean().optional(),
    error: z.unknown().optional(),
  }),
);

const isTest = (path: string) => /^policies\/.*_test\.rego$/.test(path);
/** As `opa test -b policies` loads them. */
const isLoaded = (path: string) => /^policies\/(?:.*\/)?(?:[^/]*\.rego|data\.(?:json|ya?ml))$/.test(path);

/**
 * Runs the tests that a repository has of its policies (and of ours, where it has none of its own). Throws OpaError.
 */
export async function runTests(tree: Tree, opa: Opa): Promise<Problem[]> {
  const paths = (await tree.list()).filter(isLoaded);
  if (!paths.some(isTest)) return [];
  const work = await mkdtemp(join(tmpdir(), 'grantgate-test-'));
  try {
    const rooms = [
      await readPolicies(tree, 'authz'),
      await readPolicies(tree, 'check'),
      await readPolicies(tree, 'review'),
    ];
    for (const [path, bytes] of [...rooms.flatMap((room) => [...room]), ...(await tree.read(paths))]) {
      await mkdir(dirname(join(work, path)), { recursive: true });
      await writeFile(join(work, path), bytes);
    }
    const known = current.parse(JSON.parse((await opa.run(['capabilities', '--current'])).stdout));
    const builtins = known.builtins.filter(({ name }) => !outward.has(name));
    await writeFile(join(work, 'here.json'), JSON.stringify({ ...known, builtins, allow_net: [] }));
    const { code, stdout, stderr } = await opa.run(
      [
        'test',
        '--format',
        'json',
        '--capabilities',
        'here.json',
        '--exit-zero-on-skipped',
        '--bundle',
        'policies',
      ],
      { cwd: work },
    );
    if (code === 0) return [];
    const failed = [...failures(stdout), ...complaints(stderr)];
    if (failed.length > 0) return failed;
    return [problem('policies', 'policy-test', `opa test fails: ${(stderr || stdout).trim()}`)];
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

function failures(stdout: string): Problem[] {
  let parsed: unknown = null;
  try {
    parsed = JSON.parse(stdout);
  } catch {
    return [];
  }
  return (report.safeParse(parsed).data ?? []).flatMap(({ location, name, fail, error }) => {
    if (fail !== true && error === undefined) return [];
    const { file, row: line, col: column } = location;
    const message = `the test ${name} of the policy ${error === undefined ? 'fails' : 'ends in an error'} (opa test)`;
    return [{ file, line, column, code: 'policy-test', message }];
  });
}

/** What keeps the tests from being run, as opa says it: `FILE:LINE: WHAT`. */
const complaints = (stderr: string): Problem[] =>
  [...stderr.matchAll(/(?:^|occurred: )(policies\/[^:\n]+):(\d+): (.*)$/gm)].map(
    ([, file = '', line, what]) => ({
      file,
      line: Number(line),
      column: 1,
      code: 'policy-test',
      message: `${what} (opa test)`,
    }),
  );
