import * as assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { opaVersion } from '../../bundle/policy/opa.ts';
import { suite } from '../_suite.ts';
import { copyRepository, repositoryFiles, root } from './_copyRepository.ts';

// A fresh clone with an npm that only pretends to install, and an opa that only says its version.
const test = suite('setup');
const files = repositoryFiles().filter((name) =>
  /^(?:setup\.js|package(?:-lock)?\.json|bundle\/.*)$/.test(name),
);
let work = '';
let clone = '';

/** What npm does: notes its call, then the given lines. `bin` is where it would put the program `node`. */
function npmThat(...lines: string[]): string {
  const file = join(work, 'npm.cjs');
  writeFileSync(
    file,
    `const fs = require('node:fs');
const bin = ${JSON.stringify(join(clone, 'node_modules/.bin'))};
fs.appendFileSync(${JSON.stringify(join(work, 'calls'))}, process.argv.slice(2).join(' ') + '\\n');
${lines.join('\n')}
`,
  );
  return file;
}
const installs = [
  'fs.mkdirSync(bin, { recursive: true });',
  `fs.rmSync(bin + '/node', { force: true }); fs.symlinkSync(${JSON.stringify(process.execPath)}, bin + '/node');`,
];

function setup({ npm = npmThat(...installs), opa = opaVersion, preload = '' } = {}) {
  rmSync(join(work, 'calls'), { force: true });
  const opaPath = join(work, 'opa');
  writeFileSync(opaPath, `#!/bin/sh\necho 'Version: ${opa}'\n`);
  chmodSync(opaPath, 0o755);
  const options = preload === '' ? [] : ['--import', `data:text/javascript,${encodeURIComponent(preload)}`];
  const result = spawnSync(process.execPath, [...options, join(clone, 'setup.js')], {
    cwd: work,
    encoding: 'utf8',
    env: { ...process.env, npm_execpath: npm, OPA_PATH: opaPath },
  });
  const calls = existsSync(join(work, 'calls'))
    ? readFileSync(join(work, 'calls'), 'utf8').trim().split('\n')
    : [];
  return { code: result.status, stdout: result.stdout, stderr: result.stderr, calls };
}

test.before.each(() => {
  work = mkdtempSync(join(tmpdir(), 'grantgate-setup-'));
  clone = join(work, 'clone');
  copyRepository(clone, { files });
});
test.after.each(() => rmSync(work, { recursive: true, force: true }));

test('installs the locked packages in a fresh clone, whatever the user forbids by default', () => {
  const { code, stderr, calls } = setup();
  assert.equal(code, 0, stderr);
  assert.deepEqual(calls, ['ci --include=dev --ignore-scripts=false --loglevel=error']);
  assert.match(stderr, /^setup: installing packages/);
});

test('installs nothing and says nothing when they are there', () => {
  setup();
  assert.deepEqual(setup(), { code: 0, stdout: '', stderr: '', calls: [] });
});

for (const file of ['package.json', 'package-lock.json']) {
  test(`installs again after a change to ${file}`, () => {
    setup();
    appendFileSync(join(clone, file), '\n');
    assert.equal(setup().calls.length, 1);
    assert.equal(setup().calls.length, 0);
  });
}

test('installs again when Node is gone from them', () => {
  setup();
  rmSync(join(clone, 'node_modules/.bin/node'));
  assert.equal(setup().calls.length, 1);
});

test('says plainly that npm failed, and tries again the next time', () => {
  const npm = npmThat(...installs, 'process.exit(7);');
  const { code, stderr } = setup({ npm });
  assert.equal(code, 1);
  assert.match(stderr, /setup: npm ci failed; its message is above\./);
  assert.doesNotMatch(stderr, /^\s+at /m);
  assert.equal(setup().calls.length, 1);
});

test('an installation that was cut off counts as none', () => {
  const { code } = setup({ npm: npmThat(...installs, 'process.kill(process.pid, "SIGKILL");') });
  assert.equal(code, 1);
  assert.equal(setup().calls.length, 1);
});

test('says so when the packages came without Node', () => {
  const { code, stderr } = setup({ npm: npmThat('fs.mkdirSync(bin, { recursive: true });') });
  assert.equal(code, 1);
  assert.match(stderr, /setup: the package node@24 left no binary/);
});

test('goes no further with a wrong opa, and leaves the packages in place', () => {
  const { code, stderr } = setup({ opa: '1.0.0' });
  assert.equal(code, 1);
  assert.match(stderr, new RegExp(`is OPA 1\\.0\\.0, expected ${opaVersion.replaceAll('.', '\\.')}`));
  assert.deepEqual(setup().calls, []);
});

test('asks for a newer Node before it does anything', () => {
  const old =
    "Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '18.19.0' } });";
  const { code, stderr, calls } = setup({ preload: old });
  assert.equal(code, 1);
  assert.equal(stderr, 'setup: Node 20 or newer is needed to begin, this is 18.19.0\n');
  assert.deepEqual(calls, []);
  assert.equal(setup({ preload: old.replace('18.19.0', '20.0.0') }).code, 0);
});

// A shell remembers where it found `node`: the second one of a line would be the machine's own, not the one just installed.
const scripts = (JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: object }).scripts;
for (const [name, line] of Object.entries(scripts).filter(([, line]) =>
  /setup\.js && .*\bnode /.test(line),
)) {
  test(`npm run ${name} goes on with the Node that setup has just installed`, () => {
    const [machine, installed] = [join(work, 'machine'), join(work, 'installed')];
    for (const folder of [machine, installed]) mkdirSync(folder);
    const node = (folder: string, ...lines: string[]) =>
      writeFileSync(join(folder, 'node'), ['#!/bin/sh', ...lines, ''].join('\n'), { mode: 0o755 });
    node(installed, 'echo installed "$1"');
    node(machine, 'echo machine "$1"', `mv '${installed}/later' '${installed}/node'`);
    renameSync(join(installed, 'node'), join(installed, 'later'));
    const env = { PATH: [installed, machine, process.env.PATH].join(delimiter) };
    const { stdout, stderr } = spawnSync('sh', ['-c', line], { cwd: work, encoding: 'utf8', env });
    assert.match(stdout, /^machine setup\.js\ninstalled \S+\.ts\n$/, stderr);
  });
}
