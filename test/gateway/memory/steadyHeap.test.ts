import * as assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { steadyHeap } from '../../../gateway/memory/steadyHeap.ts';
import { suite } from '../../_suite.ts';

const test = suite('steadyHeap');

test('V8 knows each flag that is set: of one that it does not know it would say so on standard error, and go on', () => {
  const known = execFileSync(process.execPath, ['--v8-options'], { encoding: 'utf8' });
  const flags: string[] = [];
  steadyHeap((flag) => void flags.push(flag));
  assert.equal(flags.length, 2);
  for (const flag of flags) {
    const name = flag.replace(/^--(?:no-)?/, '').replace(/=.*/, '');
    assert.match(known, new RegExp(`^  --${name} \\(`, 'm'));
  }
});
