import * as assert from 'node:assert/strict';
import { browserCommand, openBrowser, type Surroundings } from '../../demo/openBrowser.ts';
import { suite } from '../_suite.ts';

const test = suite('opening the browser');
const url = 'http://127.0.0.1:7700/?a=1&b=2';
const desk: Surroundings = { platform: 'linux', env: { DISPLAY: ':0' }, isTerminal: true };

test('whoever sits before a terminal and a screen is shown the page, by what the platform has for that', () => {
  assert.deepEqual(browserCommand(url, desk), ['xdg-open', url]);
  assert.deepEqual(browserCommand(url, { ...desk, env: { WAYLAND_DISPLAY: 'wayland-0' } }), [
    'xdg-open',
    url,
  ]);
  assert.deepEqual(browserCommand(url, { ...desk, env: { WSL_DISTRO_NAME: 'Ubuntu' } }), ['wslview', url]);
  assert.deepEqual(browserCommand(url, { ...desk, platform: 'darwin', env: {} }), ['open', url]);
  assert.deepEqual(browserCommand(url, { ...desk, platform: 'win32', env: {} })?.at(-1), url);
});

test('in CI, without a terminal, over SSH and without a screen nothing is opened', () => {
  const { env } = desk;
  for (const nobody of [
    { ...desk, isTerminal: false },
    { ...desk, env: { ...env, CI: 'true' } },
    { ...desk, env: { ...env, CI: '1' } },
    { ...desk, env: { ...env, SSH_CONNECTION: '10.0.0.1 22 10.0.0.2 22' } },
    { ...desk, env: {} },
    { ...desk, platform: 'darwin' as const, env: { CI: 'true' } },
  ])
    assert.equal(browserCommand(url, nobody), null);
  assert.notEqual(browserCommand(url, { ...desk, env: { ...env, CI: 'false' } }), null);
});

test('a machine without such a program is as well off', async () => {
  const { PATH } = process.env;
  process.env.PATH = '/nowhere';
  try {
    openBrowser(url, desk);
    await new Promise((done) => setImmediate(done));
  } finally {
    process.env.PATH = PATH;
  }
});
