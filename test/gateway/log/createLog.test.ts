import * as assert from 'node:assert/strict';
import fc from 'fast-check';
import { createLog } from '../../../gateway/log/createLog.ts';
import { suite } from '../../_suite.ts';

const test = suite('log');

function said(
  format: 'auto' | 'text' | 'json',
  isTTY: boolean,
  say: (log: ReturnType<typeof createLog>) => void,
) {
  const lines: string[] = [];
  say(
    createLog({ level: 'info', format }, { instance: 'gw-1' }, { isTTY, write: (text) => lines.push(text) }),
  );
  return lines.join('');
}

test('people on a terminal read text with local time and level names, programs JSON', () => {
  const text =
    /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} warn {2}bundle refused instance=gw-1 code=x why="two words"\n$/;
  const say = (log: ReturnType<typeof createLog>) =>
    log.warn({ code: 'x', why: 'two words' }, 'bundle refused');
  assert.match(said('auto', true, say), text);
  assert.match(said('text', false, say), text);
  for (const json of [said('auto', false, say), said('json', true, say)])
    assert.equal(JSON.parse(json).msg, 'bundle refused');
});

test('the trace of a fault is shown, that of a refusal with a code is not', () => {
  const fault = said('text', true, (log) => log.error({ err: new TypeError('boom') }, 'request failed'));
  assert.match(fault, /error request failed instance=gw-1: boom\n\s+at /);
  const refusal = Object.assign(new Error('no such branch'), { code: 'branch-missing' });
  assert.match(
    said('text', true, (log) => log.error({ err: refusal }, 'load failed')),
    /: no such branch \(branch-missing\)\n$/,
  );
  const errIn = (err: Error) =>
    JSON.parse(said('json', false, (log) => log.error({ err }, 'load failed'))).err as object;
  assert.deepEqual(errIn(refusal), { type: 'Error', message: 'no such branch', code: 'branch-missing' });
  for (const err of [new TypeError('boom'), Object.assign(new Error('no file'), { code: 'ENOENT' })])
    assert.match(String((errIn(err) as { stack?: string }).stack), /\n\s+at /);
});

test('nothing that others sent steers the terminal or begins a line of its own', () => {
  const hostile = fc.string({
    unit: fc.constantFrom('\u001b', '\n', '\r', '\u009b', '\u202e', '\u2028', 'a', '[', '2', 'J', '"'),
  });
  fc.assert(
    fc.property(hostile, hostile, (message, value) => {
      const text = said('text', true, (log) => log.info({ value, [`k${value}`]: value }, message));
      assert.ok(text.endsWith('\n'));
      assert.doesNotMatch(text.slice(0, -1), /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
    }),
  );
});
