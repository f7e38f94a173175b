import * as assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../../demo/place/freePort.ts';
import { createProgress } from '../../../demo/place/progress.ts';
import { tokenFile, writeTokens } from '../../../demo/place/writeTokens.ts';
import { suite } from '../../_suite.ts';

const test = suite('what a demo tells');

test('a step that takes long is said to be under way still, until the next begins', async () => {
  const said: string[] = [];
  const { begin, end } = createProgress((line) => said.push(line), 1);
  begin('writing history');
  while (said.filter((line) => /^still writing history \(\d+ s\)$/.test(line)).length < 2)
    await new Promise((done) => setTimeout(done, 1));
  begin('merging');
  end();
  const before = said.length;
  assert.equal(said.at(-1), 'merging …');
  await new Promise((done) => setTimeout(done, 20));
  assert.equal(said.length, before);
});

test('a usual port is taken when nobody listens there, else a free one', async () => {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  assert.equal(await freePort(port), 0);
  await new Promise((done) => server.close(done));
  assert.equal(await freePort(port), port);
});

test('tokens are for the eyes of their user only, whatever their owner is called', () => {
  const folder = mkdtempSync(join(tmpdir(), 'grantgate-tokens-'));
  try {
    writeTokens(folder, { 'ann@example.com': 'one', '../../o’brien x': 'two' });
    assert.equal(readFileSync(tokenFile(folder, 'ann@example.com'), 'utf8'), 'one');
    const odd = tokenFile(folder, '../../o’brien x');
    assert.equal(readFileSync(odd, 'utf8'), 'two');
    assert.equal(statSync(odd).mode & 0o777, 0o600);
    assert.match(odd, /tokens\/[A-Za-z0-9@._-]+$/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
