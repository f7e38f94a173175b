import * as assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { lockHolder, takeLock } from '../../../gateway/record/lockFile.ts';
import { suite } from '../../_suite.ts';

const test = suite('lockFile');
const folder = mkdtempSync(join(tmpdir(), 'grantgate-claim-'));
const lock = join(folder, 'deep', '.lock');
test.after(() => rmSync(folder, { recursive: true }));
test.after.each(() => rmSync(join(folder, 'deep'), { recursive: true, force: true }));

const take = () => {
  const taken = takeLock(lock);
  assert.ok('release' in taken);
  return taken.release;
};

test('a lock is held by this process until it lets go of it, which it may do twice', () => {
  const release = take();
  assert.equal(Number.parseInt(readFileSync(lock, 'utf8'), 10), process.pid);
  assert.equal(lockHolder(lock), process.pid);
  release();
  assert.throws(() => lockHolder(lock), { code: 'ENOENT' });
  release();
  writeFileSync(lock, String(process.ppid));
  release();
  assert.deepEqual(takeLock(lock), { holder: process.ppid }, 'who holds it since keeps it');
  unlinkSync(lock);
  take()();
});

test('of a living process it is left alone, also one of another user', () => {
  take();
  for (const holder of [process.ppid, 1]) {
    writeFileSync(lock, String(holder));
    assert.deepEqual(takeLock(lock), { holder });
    assert.equal(readFileSync(lock, 'utf8'), String(holder));
  }
});

test('of a dead process, of an earlier one with our number, and of nobody, it is taken over', () => {
  take();
  const { pid } = spawnSync(process.execPath, ['--version']);
  for (const holder of [pid, process.pid, '', '0', '-1', '1.5', 'x']) {
    writeFileSync(lock, String(holder));
    take();
    assert.equal(lockHolder(lock), process.pid, String(holder));
  }
});

test('of one that is gone it is taken over, though another process or a thread has its number by now', () => {
  take();
  const [, boot, tick] = readFileSync(lock, 'utf8').split(' ');
  // Elsewhere nothing tells when a process began.
  if (boot === undefined) return;
  const holder = process.ppid;
  const threads = readdirSync('/proc/self/task').map(Number);
  const thread = threads.find((id) => id !== process.pid) ?? assert.fail();
  for (const held of [`${holder} ${boot} ${tick}`, `${holder} other 1`, `${thread} ${boot} ${tick}`]) {
    writeFileSync(lock, held);
    take();
    assert.equal(lockHolder(lock), process.pid, held);
  }
  const stat = readFileSync(`/proc/${holder}/stat`, 'utf8');
  const begun = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  writeFileSync(lock, `${holder} ${boot} ${begun}`);
  assert.deepEqual(takeLock(lock), { holder });
  writeFileSync(lock, `${holder} other ${begun}`);
  take();
  assert.equal(lockHolder(lock), process.pid, 'ticks begin anew with each boot');
});

test('where none can be made it is told why, and not that there is none', () => {
  take();
  unlinkSync(lock);
  chmodSync(join(folder, 'deep'), 0o555);
  chmodSync(folder, 0o755);
  // Whoever may do everything tries it as somebody who may not.
  const all = process.geteuid?.() === 0;
  if (all) process.seteuid?.(65_534);
  try {
    assert.throws(() => takeLock(lock), { code: 'EACCES' });
  } finally {
    if (all) process.seteuid?.(0);
    chmodSync(join(folder, 'deep'), 0o755);
  }
});
