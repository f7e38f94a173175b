import * as assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { suite } from '../_suite.ts';
import { root } from './_copyRepository.ts';
import { installPackage, runTutorial, tutorialSteps } from './_tutorial.ts';
import { assertKept, stepsOf, unkept } from './_walkthrough.ts';

const test = suite('the npm package');
const place = mkdtempSync(join(tmpdir(), 'grantgate-package-'));
const installed = join(place, 'node_modules', 'grantgate');
const run = promisify(execFile);
let env: NodeJS.ProcessEnv = {};

const grantgate = (args: readonly string[], cwd = place) =>
  run(process.execPath, [join(installed, 'grantgate.js'), ...args], { cwd, env });

test.before(async () => {
  ({ env } = await installPackage(place));
});
test.after(() => rmSync(place, { recursive: true, force: true }));

test('it holds what runs and what that reads, and nothing of tests, benches and the demo', () => {
  const names = readdirSync(installed, { recursive: true, encoding: 'utf8' });
  assert.ok(names.includes(join('policies', 'authz', 'decision.rego')));
  assert.ok(names.includes(join('bundle', 'scaffold', 'template', 'gitignore')));
  assert.deepEqual(
    names.filter((name) => /_test\.rego$|\.test\.|(?<!\.d)\.ts$|^(?:test|bench|demo|grants)\b/.test(name)),
    [],
  );
  const manifest = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8')) as Record<
    string,
    unknown
  >;
  assert.deepEqual(
    [manifest.private, manifest.scripts, manifest.devDependencies],
    [undefined, undefined, undefined],
  );
});

test('everything in it loads', async () => {
  const files = readdirSync(installed, { recursive: true, encoding: 'utf8' }).filter(
    (name) =>
      name.endsWith('.js') && !/^(?:cli|grantgate)\.js$|[wW]orker\.js$|loader\.js$|compiler\.js$/.test(name),
  );
  assert.ok(files.length > 300, String(files.length));
  const imports = files.map((name) => `await import(${JSON.stringify(join(installed, name))});`).join('\n');
  writeFileSync(join(place, 'all.mjs'), `${imports}\nconsole.log('loaded');process.exit();\n`);
  const { stdout } = await run(process.execPath, [join(place, 'all.mjs')], { cwd: place, env });
  assert.equal(stdout, 'loaded\n');
});

test('it says its version', async () => {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  assert.equal((await grantgate(['--version'])).stdout, `${version}\n`);
});

test('with it, the tutorial leads from an empty folder to enforced requests, a revocation and a review', async () => {
  const steps = await tutorialSteps();
  assertKept(steps, await runTutorial(steps, { place, installed, env }));
  assert.ok(steps.filter(({ prints }) => prints.length > 0).length >= 8);
});

test('a promise of a page that is not kept is found', () => {
  const [step, ...others] = stepsOf('```sh\nask\n```\n\n```text\n{…"ok"…}\n200\n```\n\n```sh\nend\n```\n');
  assert.ok(step !== undefined);
  assert.deepEqual(others, [{ shell: 'end\n', prints: [] }]);
  assert.deepEqual(unkept(step, '{"a":"ok"}\n200\n'), []);
  assert.deepEqual(unkept(step, '200\n{"a":"ok"}\n'), ['200']);
  assert.deepEqual(unkept(step, '{"a":"no"}\n403\n'), ['{…"ok"…}', '200']);
});

test('a program in strict TypeScript reads what is logged by the types that come along, and needs no others', async () => {
  // Named apart: what other tests look for in sources are imports of ours.
  const [line, record] = ['"grantgate/grantLine"', '"grantgate/record"'];
  writeFileSync(
    join(place, 'reads.ts'),
    `import { type GrantLine, readGrantLine } from ${line};
import type { DecisionRecord, LogEntry } from ${record};

export const allowedBy = (entry: LogEntry): readonly string[] =>
  'event' in entry ? [] : entry.result.allow ? entry.result.grants : [];
export const pathOf = ({ path }: DecisionRecord): 'grantgate/authz/decision' => path;
export const idsOf = (line: unknown): string[] => readGrantLine(line).map(({ id }: GrantLine) => id);
// @ts-expect-error: credentials, bodies and addresses have no field
export const bodyOf = (record: DecisionRecord): unknown => record.body;
`,
  );
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  for (const [module, resolution] of [
    ['nodenext', 'nodenext'],
    ['esnext', 'bundler'],
  ] as const)
    await run(
      process.execPath,
      [
        ...[tsc, '--noEmit', '--strict', '--skipDefaultLibCheck', '--target', 'esnext', '--types', ''],
        ...['--singleThreaded', '--module', module, '--moduleResolution', resolution, 'reads.ts'],
      ],
      { cwd: place },
    ).catch(({ stdout }: { stdout: string }) => assert.fail(stdout));
});
