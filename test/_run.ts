// Everything CI runs: static checks, Rego gates, then each test file, in a process without traces of others. `node test/_run.ts`, or
// with part of a file name to run only what matches. Ends with one plain line: N passed, N failed.
import { execFileSync, spawn } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statfsSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import { regoGates } from './_rego.ts';
import { type FileRun, runFiles } from './_runFiles.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const bin = (name: string) => join(root, 'node_modules', '.bin', name);
/** For a machine that is busy with other things; alone, the longest file takes a minute. */
const fileTimeoutMs = 20 * 60_000;

/** Hundreds of processes load the same sources: what one has stripped and compiled, the others find. */
const cache = join(root, 'node_modules', '.cache');
const scratch = inMemory();
const env = {
  ...process.env,
  NODE_COMPILE_CACHE: join(cache, 'node'),
  ...(scratch !== null && { TMPDIR: scratch }),
};

/**
 * A folder for what tests write, in memory: they make and remove tens of thousands of files, and a disk's file system is a
 * tenth of what a test of the review costs. Null where memory is short, or programs may not be run from there.
 */
function inMemory(): string | null {
  const place = '/dev/shm';
  const gibibyte = 2 ** 30;
  try {
    const { bavail, bsize } = statfsSync(place);
    if (bavail * bsize < 4 * gibibyte || process.availableMemory() < 8 * gibibyte) return null;
    const made = mkdtempSync(join(place, 'test-'));
    process.once('exit', () => rmSync(made, { recursive: true, force: true, maxRetries: 5 }));
    for (const [signal, code] of [
      ['SIGINT', 130],
      ['SIGTERM', 143],
    ] as const)
      process.once(signal, () => process.exit(code));
    // As everybody may use the machine's own.
    chmodSync(made, 0o1777);
    const program = join(made, 'program');
    writeFileSync(program, '#!/bin/sh\n', { mode: 0o755 });
    execFileSync(program);
    return made;
  } catch {
    return null;
  }
}

type Outcome = { passed: number; failed: number };

/** Runs a command with its output kept together, so that two at a time stay readable. */
function run(command: string, args: string[]): Promise<{ code: number; output: string }> {
  return new Promise((done) => {
    const child = spawn(command, args, { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    const add = (chunk: Buffer) => {
      output += chunk.toString();
    };
    child.stdout.on('data', add);
    child.stderr.on('data', add);
    const timer = setTimeout(() => {
      output += `\nstopped after ${fileTimeoutMs / 60_000} minutes\n`;
      child.kill('SIGKILL');
    }, fileTimeoutMs);
    child.on('error', (error) => {
      output += `${error.message}\n`;
    });
    child.on('close', (code) => {
      clearTimeout(timer);
      done({ code: code ?? 1, output });
    });
  });
}

async function gate(name: string, command: string, args: string[]): Promise<Outcome> {
  const { code, output } = await run(command, args);
  process.stdout.write(`${code === 0 ? 'ok  ' : 'FAIL'} ${name}\n${code === 0 ? '' : `${output}\n`}`);
  return code === 0 ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 };
}

/** How long each file took when it last ran here, in seconds. */
const lengthsFile = join(cache, 'test-seconds.json');
const took = new Map<string, number>(readLengths());
function readLengths(): [string, number][] {
  try {
    const known: unknown = JSON.parse(readFileSync(lengthsFile, 'utf8'));
    return Object.entries(known ?? {}).filter(([, seconds]) => typeof seconds === 'number');
  } catch {
    return [];
  }
}

/** A file passes when it ran at least one test, each one passed, none was skipped, and it ended with 0. */
function judge({ path, code, output, ms, after }: FileRun): Outcome {
  const name = relative(root, path);
  const plain = stripVTControlCharacters(output);
  const count = (label: string) =>
    Number(plain.match(new RegExp(`^ {2}${label}: +(\\d+)$`, 'm'))?.[1] ?? Number.NaN);
  const [total, passed, skipped] = [count('Total'), count('Passed'), count('Skipped')];
  const seconds = (ms / 1000).toFixed(1);
  took.set(name, Number(seconds));
  if (code === 0 && total > 0 && passed === total && skipped === 0) {
    process.stdout.write(`ok   ${name} (${passed} tests, ${seconds} s)\n`);
    return { passed, failed: 0 };
  }
  const others =
    after.length === 0 ? '' : `, after ${after.map((other) => relative(root, other)).join(', ')}`;
  process.stdout.write(`FAIL ${name} (exit ${code}, ${seconds} s${others})\n${output}\n`);
  return { passed: passed || 0, failed: Math.max(1, (total || 0) - (passed || 0)) };
}

/** Files that run one after the other, in one process where they can. */
async function together(paths: readonly string[]): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  const onRun = (run: FileRun) => outcomes.push(judge(run));
  await runFiles(paths, { cwd: root, env, timeoutMs: fileTimeoutMs, onRun });
  return outcomes;
}

function testFiles(): string[] {
  return readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.test\.ts$/.test(name))
    .sort()
    .map((name) => join(root, 'test', name));
}

type Job = () => Promise<Outcome | Outcome[]>;

async function inParallel(jobs: readonly Job[], width: number): Promise<Outcome[]> {
  const queue = [...jobs];
  const outcomes: Outcome[] = [];
  await Promise.all(
    Array.from({ length: width }, async () => {
      for (let job = queue.shift(); job !== undefined; job = queue.shift())
        outcomes.push(...[await job()].flat());
    }),
  );
  return outcomes;
}

const only = process.argv.slice(2);
const files = testFiles().filter((path) => only.length === 0 || only.some((part) => path.includes(part)));
const gates: Job[] = [
  // One thread, as others are busy: two would each work out the types of the libraries. What has not changed is known.
  () =>
    gate('tsc', bin('tsc'), [
      ...['--noEmit', '--singleThreaded'],
      ...['--incremental', '--tsBuildInfoFile', join(cache, 'tsc.tsbuildinfo')],
    ]),
  () => gate('biome', bin('biome'), ['ci', '--error-on-warnings', '--colors=off', '.']),
  () => regoGates(root, gate),
];
// What takes longest begins first, so that nothing long is left alone at the end. Where none has run yet: whole
// programs, then what reviews against a forge again and again, then the largest files.
const textOf = (path: string) => readFileSync(path, 'utf8');
const expected = (path: string) =>
  took.get(relative(root, path)) ??
  (path.includes(join('test', 'e2e')) ? 60 : 0) +
    statSync(path).size / (textOf(path).includes('/_world.ts') ? 280 : 1000);
/** What measures its process has one of its own. */
const isAlone = (path: string) => textOf(path).includes('memoryUsage');
/** A process is shared for so long at most, in seconds: several for each lane, so that they end at about the same time. */
const mostSeconds = Math.max(30, files.reduce((sum, path) => sum + expected(path), 0) / 24);
type Group = { room: string; seconds: number; paths: string[] };
const groups: Group[] = [];
for (const path of files) {
  const room = isAlone(path) ? path : dirname(relative(root, path)).split(sep).slice(0, 2).join(sep);
  const seconds = expected(path);
  const fits = groups.find((group) => group.room === room && group.seconds + seconds <= mostSeconds);
  if (fits === undefined) groups.push({ room, seconds, paths: [path] });
  else {
    fits.seconds += seconds;
    fits.paths.push(path);
  }
}
groups.sort((a, b) => b.seconds - a.seconds);
const shared: Job[] = groups.map((group) => () => together(group.paths));
const jobs = [...(only.length === 0 ? gates : []), ...shared];
// More than there are cores: files also wait, for programs, for disks and for clocks, and those that wait most begin
// together, being the longest. Eight at most, for their memory.
const outcomes = await inParallel(jobs, Math.min(8, availableParallelism() + 6));
mkdirSync(cache, { recursive: true });
writeFileSync(lengthsFile, JSON.stringify(Object.fromEntries(took), null, 2));

const sum = (key: keyof Outcome) => outcomes.reduce((total, outcome) => total + outcome[key], 0);
const nothingRan = files.length === 0;
if (nothingRan) process.stdout.write('no test file matches\n');
process.stdout.write(`${sum('passed')} passed, ${sum('failed')} failed\n`);
process.exit(sum('failed') > 0 || nothingRan ? 1 : 0);
