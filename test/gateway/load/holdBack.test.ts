import * as assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { admitPolicy } from '../../../bundle/policy/admitPolicy.ts';
import { findOpa } from '../../../bundle/policy/opa.ts';
import type { Enforcement } from '../../../gateway/decision/enforcement.ts';
import { createHoldBack } from '../../../gateway/load/holdBack.ts';
import { indexLines } from '../../../gateway/revision/lineIndex.ts';
import { openSnapshot, readHead, type Snapshot } from '../../../gateway/revision/snapshot.ts';
import { suite } from '../../_suite.ts';
import { folder } from '../../bundle/_opa.ts';
import { apiEntry, lineForm } from '../_document.ts';

const test = suite('judged');
let open: (revision: string) => Snapshot;
test.before(async () => {
  const source = await readFile(new URL('../../../policies/authz/decision.rego', import.meta.url));
  const work = await folder({});
  const { reads, wasm } = await admitPolicy(
    await findOpa(),
    new Map([['policies/authz/decision.rego', source]]),
    work.path,
  );
  await work.remove();
  const module = new WebAssembly.Module(new Uint8Array(wasm));
  open = (revision) => {
    const lines = indexLines(lineForm({ apis: { orders: apiEntry('orders') }, grants: {}, principals: {} }));
    const facts = { revision, counter: 1, committedAt: '2026-11-23T12:00:00Z', digest: revision, grants: 0 };
    const posted = { ...facts, ...readHead(lines), reads, wasm: module, policy: 'p', lines, before: null };
    return openSnapshot(posted, 0);
  };
});

test('a revision is put in force as it was judged, once, and after the one it was judged against', async () => {
  let inForce: Enforcement | null = null;
  const hold = createHoldBack({ share: () => 0.25, enforcement: () => inForce, now: () => 0 });
  assert.equal(await hold.judge(open('a')), null, 'the first has nothing to be judged against');
  inForce = hold.enforced(open('a'));
  const first = inForce;

  const [b, c] = [open('b'), open('c')];
  assert.equal(await hold.judge(b), null);
  const other = hold.enforced(c);
  assert.deepEqual([other.snapshot, other.previous?.snapshot.revision], [c, 'a']);

  assert.equal(await hold.judge(b), null);
  const judged = hold.enforced(b);
  assert.deepEqual([judged.snapshot, judged.previous?.snapshot.revision], [b, 'a']);
  assert.notEqual(hold.enforced(b), judged, 'what was handed on is not handed on again');

  assert.equal(await hold.judge(b), null);
  inForce = hold.enforced(c);
  const late = hold.enforced(b);
  assert.deepEqual([late.snapshot, late.previous?.snapshot.revision], [b, 'c']);
  assert.equal(first.previous, null);
});

test('the routes and the policy of a revision are built while it is judged, and not again when it is taken', async () => {
  let inForce: Enforcement | null = null;
  const hold = createHoldBack({ share: () => 0.25, enforcement: () => inForce, now: () => 0 });
  inForce = hold.enforced(open('a'));
  const b = open('b');
  let read = 0;
  const watched: Snapshot = Object.defineProperty({ ...b }, 'wasm', {
    get: () => {
      read += 1;
      return b.wasm;
    },
  });
  await hold.judge(watched);
  assert.equal(read, 1);
  assert.equal(hold.enforced(watched).snapshot, watched);
  assert.equal(read, 1);
});
