import * as assert from 'node:assert/strict';
import { remember } from '../../../gateway/memory/remember.ts';
import { suite } from '../../_suite.ts';

const test = suite('remember');

test('asks once for each text, until there are too many', () => {
  const asked: string[] = [];
  const upper = remember((text) => {
    asked.push(text);
    return text.toUpperCase();
  }, 2);
  assert.deepEqual(
    ['a', 'b', 'a', 'b'].map((text) => upper(text)),
    ['A', 'B', 'A', 'B'],
  );
  assert.deepEqual(asked, ['a', 'b']);
  assert.equal(upper('c'), 'C');
  assert.equal(upper('c'), 'C');
  assert.equal(upper('a'), 'A');
  assert.deepEqual(asked, ['a', 'b', 'c', 'a']);
});

test('does not keep a text that is longer than any name', () => {
  let asked = 0;
  const of = remember(() => {
    asked += 1;
    return 'known';
  }, 10);
  for (const text of ['a'.repeat(300), 'a'.repeat(301)]) for (const _ of [1, 2]) of(text);
  assert.equal(asked, 3);
});

test('what it throws is asked again', () => {
  let asked = 0;
  const never = remember((): string => {
    asked += 1;
    throw new Error('no');
  }, 2);
  assert.throws(() => never('a'), /no/);
  assert.throws(() => never('a'), /no/);
  assert.equal(asked, 2);
});
