import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findOpa } from '../bundle/policy/opa.ts';

type Gate = (name: string, command: string, args: string[]) => Promise<{ passed: number; failed: number }>;

/** The Rego gates: format, strict check, tests and what they cover. */
export async function regoGates(root: string, gate: Gate): Promise<{ passed: number; failed: number }[]> {
  let opa: string;
  try {
    opa = (await findOpa()).path;
  } catch (error) {
    process.stdout.write(`FAIL opa: ${error instanceof Error ? error.message : String(error)}\n`);
    return [{ passed: 0, failed: 1 }];
  }
  const policies = join(root, 'policies');
  const rooms = readdirSync(policies, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && regoFiles(join(policies, entry.name)).length > 0)
    .map((entry) => join(policies, entry.name));
  const checks = [
    '--schema',
    join(policies, 'schemas'),
    '--capabilities',
    join(policies, 'capabilities.json'),
  ];
  const coverage = [fileURLToPath(import.meta.url), opa, ...rooms];
  return [
    await gate('opa fmt', opa, ['fmt', '--fail', '--list', ...rooms]),
    await gate('opa check', opa, ['check', '--strict', ...checks, ...rooms]),
    await gate('opa test, every line covered', process.execPath, coverage),
  ];
}

/** Without it every JSON and YAML file below becomes data. */
const onlyRego = ['--ignore', '*.json', '--ignore', '*.yaml', '--ignore', '*.yml'];

function regoFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.rego'))
    .map((name) => join(folder, name));
}

type FileCoverage = { not_covered?: { start: { row: number }; end: { row: number } }[] };

/**
 * The lines of non-test files that no test evaluates, as `path:line`, and every non-test file without a test beside
 * it. OPA's own total counts test files too, so it proves nothing.
 * A row is named once, however many expressions on it were missed.
 */
export function uncovered(
  report: { files: Record<string, FileCoverage> },
  files: readonly string[],
  exists: (path: string) => boolean,
): string[] {
  const gaps: string[] = [];
  for (const file of files.filter((name) => !name.endsWith('_test.rego'))) {
    const test = file.replace(/\.rego$/, '_test.rego');
    if (!exists(test)) gaps.push(`${file}: no ${test} beside it`);
    const covered = report.files[file];
    // A file of constants alone is not in the report at all when nothing reads it.
    if (covered === undefined) gaps.push(`${file}: no line is evaluated by any test`);
    for (const { start, end } of covered?.not_covered ?? [])
      gaps.push(`${file}:${start.row}${end.row > start.row ? `-${end.row}` : ''}: not evaluated by any test`);
  }
  return [...new Set(gaps)];
}

/** Runs as a program of its own, because a gate is a command: `node _rego.ts OPA FOLDER…`. */
function main([opa = '', ...rooms]: string[]): number {
  const run = (...args: string[]) =>
    spawnSync(opa, ['test', ...args, ...onlyRego, ...rooms], {
      encoding: 'utf8',
      maxBuffer: 64 * 1024 * 1024,
    });
  const { status, stdout, stderr, error } = run('--coverage');
  if (status !== 0) {
    // Its report of what is covered does not name the tests that fail.
    process.stdout.write(`${error?.message ?? stderr}${run().stdout ?? ''}`);
    return status ?? 1;
  }
  const gaps = uncovered(JSON.parse(stdout), rooms.flatMap(regoFiles), existsSync);
  const root = fileURLToPath(new URL('..', import.meta.url));
  for (const gap of gaps) process.stdout.write(`${gap.replaceAll(root, '')}\n`);
  return gaps.length === 0 ? 0 : 1;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exitCode = main(process.argv.slice(2));
