import * as assert from 'node:assert/strict';
import { skipSpace } from '../../../reviewer/edit/lines.ts';
import { suite } from '../../_suite.ts';

const test = suite('lines');

test('steps over spaces and whole comments, and never past the end it is given', () => {
  const rows: [text: string, end: number | null, at: number][] = [
    ['a', null, 0],
    ['  a', null, 2],
    ['\n\t a', null, 3],
    ['# b: c\na', null, 7],
    ['  # b\r\n  # c\n a', null, 14],
    ['# b\n', null, 4],
    ['# no line end', null, 13],
    ['   a', 2, 2],
    ['# comment\na', 4, 4],
    ['a # b', null, 0],
    ['', null, 0],
  ];
  for (const [text, end, at] of rows) assert.equal(skipSpace(text, 0, end ?? text.length), at, text);
  assert.equal(skipSpace('ab # c\n  d', 2, 10), 9);
});
