import * as assert from 'node:assert/strict';
import fc from 'fast-check';
import { formField } from '../../../bundle/format/formField.ts';
import { suite } from '../../_suite.ts';

const test = suite('formField');

test('reads a field as URLSearchParams writes and reads it, wherever it stands', () => {
  const name = fc.constantFrom('payload', 'other', 'xpayload', 'payloadx', '');
  const text = fc.oneof(fc.string(), fc.constantFrom('a&payload=b', '+ %', '%zz', 'é=&'));
  fc.assert(
    fc.property(fc.array(fc.tuple(name, text), { maxLength: 5 }), (fields) => {
      const form = new URLSearchParams(fields).toString();
      assert.equal(formField(form, 'payload'), new URLSearchParams(form).get('payload') ?? '');
    }),
  );
  assert.equal(formField('payload', 'payload'), '');
  assert.equal(formField('payload=%zz&payload=2', 'payload'), '%zz');
});

test('a form of millions of fields takes no longer than its bytes', () => {
  // By URLSearchParams these take minutes.
  const fields = '&a'.repeat(4_000_000);
  assert.equal(formField(fields, 'payload'), '');
  assert.equal(formField(`${fields}&payload=here${fields}`, 'payload'), 'here');
});
