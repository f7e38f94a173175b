import * as assert from 'node:assert/strict';
import { Refusal } from '../../../gateway/http/refusal.ts';
import { suite } from '../../_suite.ts';

const test = suite('refusal');

test('a refused request pays for no trace of the stack; whatever else goes wrong keeps its own', () => {
  const cause = new Error('of the operator');
  const refusal = new Refusal(403, 'no-grant', 'No grant allows this.', { allow: 'GET' }, cause);
  assert.doesNotMatch(refusal.stack ?? '', /\n\s+at /);
  assert.match(cause.stack ?? '', /\n\s+at /);
  assert.match(new Error('later').stack ?? '', /\n\s+at /);
  const { status, code, message, headers } = refusal;
  assert.deepEqual(
    { status, code, message, headers, cause: refusal.cause },
    { status: 403, code: 'no-grant', message: 'No grant allows this.', headers: { allow: 'GET' }, cause },
  );
});
