#!/usr/bin/env node
// The first step of `npm start` and `npm test`: plain JavaScript, so that any Node ≥ 20 can run it.
// Installs the locked packages when they are missing or stale (Node 24 is one of them), then sees to `opa`.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('.', import.meta.url));
const stamp = join(root, 'node_modules', '.grantgate-installed');
const node24 = join(root, 'node_modules', '.bin', process.platform === 'win32' ? 'node.cmd' : 'node');

function fail(message) {
  process.stderr.write(`setup: ${message}\n`);
  process.exit(1);
}

/** What decides whether the installed packages still fit: the manifest and its lock. */
function wanted() {
  const hash = createHash('sha256');
  for (const file of ['package.json', 'package-lock.json']) hash.update(readFileSync(join(root, file)));
  return hash.digest('hex');
}

function installed() {
  return existsSync(stamp) && existsSync(node24) && readFileSync(stamp, 'utf8') === wanted();
}

const [major = 0] = process.versions.node.split('.').map(Number);
if (major < 20) fail(`Node 20 or newer is needed to begin, this is ${process.versions.node}`);

if (!installed()) {
  process.stderr.write(
    'setup: installing packages (Node 24 among them); the first time takes about a minute …\n',
  );
  const npm = process.env.npm_execpath;
  const [command, ...first] = npm ? [process.execPath, npm] : ['npm'];
  // Node 24 arrives by its package's install script: without it, nothing here runs, whatever the user's npm forbids.
  const result = spawnSync(
    command,
    [...first, 'ci', '--include=dev', '--ignore-scripts=false', '--loglevel=error'],
    {
      cwd: root,
      stdio: ['ignore', 2, 2],
    },
  );
  if (result.error) fail(`npm could not be started: ${result.error.message}`);
  if (result.status !== 0)
    fail('npm ci failed; its message is above. Mend that and run the same command again.');
  if (!existsSync(node24))
    fail('the package node@24 left no binary; is its install script forbidden in your npm configuration?');
  writeFileSync(stamp, wanted());
}

// From here on Node 24 runs TypeScript directly.
const opa = spawnSync(node24, [join(root, 'bundle', 'policy', 'opa.ts')], {
  cwd: root,
  stdio: ['ignore', 2, 2],
});
if (opa.status !== 0) process.exit(opa.status ?? 1);
