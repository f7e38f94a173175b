import * as assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import {
  accessSync,
  chmodSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { readVerifyKey, verify } from '../../bundle/archive/verify.ts';
import { suite } from '../_suite.ts';
import { copyRepository, repositoryFiles, root } from './_copyRepository.ts';

// The steps of the workflows, with `gh` and `docker` replaced by programs that write down how they were called.
const test = suite('scripts');
let work = '';
let repository = '';
let bin = '';
const calls = () =>
  existsSync(join(work, 'calls')) ? readFileSync(join(work, 'calls'), 'utf8').trim().split('\n') : [];

/** A program that notes its arguments and what it is given on stdin, and fails when its arguments match `failing`. */
function standIn(name: string, failing = 'nothing at all'): void {
  const file = join(bin, name);
  writeFileSync(
    file,
    `#!/bin/sh\necho "${name} $*" >>"$CALLS"\ncase "$*" in *--password-stdin*) echo "stdin $(cat)" >>"$CALLS";; esac\ncase "$*" in *'${failing}'*) exit 1;; esac\nexit 0\n`,
  );
  chmodSync(file, 0o755);
}

function run(script: string, env: NodeJS.ProcessEnv = {}) {
  rmSync(join(work, 'calls'), { force: true });
  const result = spawnSync('bash', [join(repository, '.github/scripts', script)], {
    cwd: work,
    encoding: 'utf8',
    env: {
      ...process.env,
      PATH: `${bin}${delimiter}${join(root, 'node_modules/.bin')}${delimiter}${process.env.PATH}`,
      CALLS: join(work, 'calls'),
      RUNNER_TEMP: join(work, 'temp'),
      GITHUB_REPOSITORY: 'Northwind/Access',
      GITHUB_SHA: 'c0ffee',
      GITHUB_ACTOR: 'ann',
      ...env,
    },
  });
  return { code: result.status, stdout: result.stdout, stderr: result.stderr };
}

const git = (...args: string[]) =>
  execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@example.com', ...args], {
    cwd: repository,
    stdio: 'pipe',
  });
const left = () => readdirSync(join(work, 'temp'), { recursive: true, encoding: 'utf8' }).sort();
const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();

test.before(() => {
  work = mkdtempSync(join(tmpdir(), 'grantgate-scripts-'));
  repository = join(work, 'repository');
  bin = join(work, 'bin');
  mkdirSync(bin);
  mkdirSync(join(work, 'temp'));
  copyRepository(repository, {
    packages: true,
    files: repositoryFiles().filter((name) => !/^(?:test|demo|bench)\//.test(name)),
  });
  git('init', '-q', '-b', 'main');
  git('add', '.');
  git('commit', '-q', '-m', 'all');
});
test.before.each(() => {
  rmSync(join(work, 'temp'), { recursive: true });
  mkdirSync(join(work, 'temp'));
  standIn('gh');
  standIn('docker');
});
test.after(() => rmSync(work, { recursive: true, force: true }));

test('every script is executable and stops at the first failure', () => {
  for (const name of readdirSync(join(root, '.github/scripts')).filter((one) => one.endsWith('.sh'))) {
    const file = join(root, '.github/scripts', name);
    accessSync(file, constants.X_OK);
    assert.match(readFileSync(file, 'utf8'), /^#!\/usr\/bin\/env bash\n(?:#.*\n)*set -euo pipefail\n/, name);
    assert.equal(spawnSync('bash', ['-n', file]).status, 0, name);
  }
});

test('signs the bundle of the commit, and leaves no key behind', async () => {
  const { code, stderr } = run('sign-bundle.sh', { BUNDLE_SIGNING_KEY: pem });
  assert.equal(code, 0, stderr);
  assert.deepEqual(left(), ['bundle.json', 'bundle.tar.gz']);
  const key = readVerifyKey(publicKey.export({ type: 'spki', format: 'pem' }).toString());
  const bundle = await verify(readFileSync(join(work, 'temp/bundle.tar.gz')), key);
  assert.equal(bundle.revision, git('rev-parse', 'HEAD').toString().trim());
  const facts = JSON.parse(readFileSync(join(work, 'temp/bundle.json'), 'utf8')) as Record<string, unknown>;
  assert.equal(facts.revision, bundle.revision);
  assert.equal(facts.digest, bundle.digest);
});

test('refuses to build without a key', () => {
  const { code, stderr } = run('sign-bundle.sh', { BUNDLE_SIGNING_KEY: '' });
  assert.equal(code, 1);
  assert.match(stderr, /BUNDLE_SIGNING_KEY is not set/);
  assert.deepEqual(left(), []);
});

test('a key that cannot sign leaves neither bundle nor key, and is not repeated', () => {
  writeFileSync(join(work, 'temp/bundle.tar.gz'), 'of an earlier run');
  const { code, stdout, stderr } = run('sign-bundle.sh', { BUNDLE_SIGNING_KEY: 'hunter2' });
  assert.notEqual(code, 0);
  assert.deepEqual(left(), []);
  assert.doesNotMatch(stdout + stderr, /hunter2/);
});

test('publishes into a release that it creates once', () => {
  for (const name of ['bundle.tar.gz', 'bundle.json']) writeFileSync(join(work, 'temp', name), 'x');
  standIn('gh', 'release view');
  assert.equal(run('publish-bundle.sh').code, 0);
  assert.match(calls()[1] ?? '', /^gh release create bundle --repo Northwind\/Access --target c0ffee /);
  assert.match(calls()[2] ?? '', /^gh release upload bundle .*bundle\.tar\.gz .*bundle\.json .*--clobber$/);
  standIn('gh');
  assert.equal(run('publish-bundle.sh').code, 0);
  assert.deepEqual(
    calls().map((call) => call.split(' ').slice(0, 3).join(' ')),
    ['gh release view', 'gh release upload'],
  );
});

test('publishes nothing without a bundle, and fails when the upload does', () => {
  assert.equal(run('publish-bundle.sh').code, 1);
  assert.deepEqual(calls(), []);
  for (const name of ['bundle.tar.gz', 'bundle.json']) writeFileSync(join(work, 'temp', name), 'x');
  standIn('gh', 'release upload');
  assert.equal(run('publish-bundle.sh').code, 1);
});

test('tries the image out before anything else, without rights, network or a writable disk', () => {
  assert.equal(run('build-image.sh').code, 0);
  const [build = '', version = '', check = '', ...more] = calls();
  assert.match(build, /^docker build .*--tag grantgate:local /);
  for (const call of [version, check])
    assert.match(call, /^docker run --rm --init --read-only --network none --cap-drop ALL /);
  assert.match(version, /grantgate:local --version$/);
  assert.match(check, /grantgate:local check \/repository$/);
  assert.deepEqual(more, []);
  standIn('docker', ' check ');
  assert.equal(run('build-image.sh').code, 1);
});

const published: [string, string][] = [
  ['refs/heads/main', 'main'],
  ['refs/tags/v1.2.3', '1.2.3'],
  ['refs/tags/v2.0.0-rc.1', '2.0.0-rc.1'],
];
for (const [ref, tag] of published) {
  test(`pushes ${ref} as ${tag} and as its commit`, () => {
    const { code, stderr } = run('publish-image.sh', { GITHUB_REF: ref, GH_TOKEN: 'hunter2' });
    assert.equal(code, 0, stderr);
    assert.deepEqual(calls(), [
      'docker login ghcr.io --username ann --password-stdin',
      'stdin hunter2',
      'docker tag grantgate:local ghcr.io/northwind/access:c0ffee',
      'docker push ghcr.io/northwind/access:c0ffee',
      `docker tag grantgate:local ghcr.io/northwind/access:${tag}`,
      `docker push ghcr.io/northwind/access:${tag}`,
    ]);
    assert.deepEqual(left(), []);
  });
}
for (const ref of ['refs/heads/other', 'refs/pull/7/merge', 'refs/tags/nightly', 'refs/tags/v1+build']) {
  test(`pushes nothing for ${ref}`, () => {
    assert.equal(run('publish-image.sh', { GITHUB_REF: ref, GH_TOKEN: 'hunter2' }).code, 1);
    assert.deepEqual(calls(), []);
  });
}

test('a tag releases the version that it names, with what changed and what it is made of', () => {
  for (const name of ['npm', 'npx']) standIn(name);
  mkdirSync(join(repository, 'dist'), { recursive: true });
  writeFileSync(join(repository, 'dist/package.json'), '{"version":"1.2.3"}');
  const changes = (text: string) => writeFileSync(join(repository, 'CHANGELOG.md'), text);
  const publish = (ref: string) => run('publish-package.sh', { GITHUB_REF: ref, GH_TOKEN: 'hunter2' });

  changes('## Unreleased\n- later\n\n## 1.2.3 (2026-12-01)\n- now\n\n## 1.2.30\n- before\n');
  const { code, stderr } = publish('refs/tags/v1.2.3');
  assert.equal(code, 0, stderr);
  assert.deepEqual(calls(), [
    'npm sbom --omit dev --package-lock-only --sbom-format cyclonedx',
    'npx --yes npm@11.21.2 publish ./dist --access public --provenance',
    'gh release create v1.2.3 --verify-tag --title 1.2.3 --notes - now sbom.cdx.json',
  ]);
  for (const ref of ['refs/tags/v1.2.4', 'refs/tags/1.2.3', 'refs/heads/main']) {
    assert.match(publish(ref).stderr, /only the tag v1\.2\.3 releases it/);
    assert.deepEqual(calls(), []);
  }
  changes('## Unreleased\n- later\n\n## 1.2.30\n- before\n');
  assert.match(publish('refs/tags/v1.2.3').stderr, /has no entry under "## 1\.2\.3"/);
  assert.deepEqual(calls(), []);
});

test('without decision logs the review has an empty folder, and the run says so', () => {
  const { code, stdout } = run('fetch-decisions.sh', { DECISIONS: join(work, 'temp/decisions') });
  assert.equal(code, 0);
  assert.deepEqual(left(), ['decisions']);
  assert.match(stdout, /^::warning .*No decision logs/m);
});
