import * as assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openCompileStore, type StoreKind } from '../../../bundle/compile/compileStore.ts';
import { suite } from '../../_suite.ts';

const test = suite('compileStore');
const folder = mkdtempSync(join(tmpdir(), 'grantgate-store-'));
test.after(() => rmSync(folder, { recursive: true, force: true }));

const hourMs = 3_600_000;
let aheadMs = 0;
let folders = 0;
/** A store of its own, whose clock a test moves. */
function opened() {
  folders += 1;
  const own = join(folder, String(folders));
  const store = openCompileStore(own, () => Date.now() + aheadMs);
  aheadMs = 0;
  const key = store.keyOf('a');
  return {
    store,
    put: (kind: StoreKind) => store.put(kind, key, Buffer.from('kept')),
    has: (kind: StoreKind) =>
      readdirSync(join(own, kind), { recursive: true }).some((name) => String(name).endsWith(key)),
    use: (kind: StoreKind) => store.get(kind, key)?.toString(),
    age(kind: StoreKind, ms: number) {
      const at = (Date.now() - ms) / 1000;
      utimesSync(join(own, kind, key.slice(0, 2), key), at, at);
    },
  };
}

test('what nobody has used for long goes, of each kind, also where there are no others', () => {
  const { store, put, has } = opened();
  put('document');
  aheadMs = 23 * hourMs;
  store.prune();
  assert.ok(has('document'));
  aheadMs = 25 * hourMs;
  store.prune();
  assert.ok(!has('document'));
});

test('what is used stays', () => {
  const { store, put, has, use } = opened();
  put('section');
  aheadMs = 2 * hourMs;
  assert.equal(use('section'), 'kept');
  aheadMs = 4 * hourMs;
  store.prune();
  assert.ok(has('section'));
});

test('it is looked for once in half an hour, and at once where the clock was set back', () => {
  for (const later of [hourMs / 2 + 60_000, -hourMs]) {
    const { store, put, has, age } = opened();
    store.prune();
    put('file');
    age('file', 400 * hourMs);
    store.prune();
    assert.ok(has('file'), 'it has just been');
    aheadMs = later;
    store.prune();
    assert.ok(!has('file'), String(later));
  }
});
