import * as assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Refusal } from '../../../gateway/http/refusal.ts';
import { CallerBody } from '../../../gateway/upstream/callerBody.ts';
import { suite } from '../../_suite.ts';

const test = suite('callerBody');

/** What a caller sends; `socket.bytesRead` is what it took on the wire. */
const calling = (most: number) => {
  const socket = { bytesRead: 500 };
  const request = Object.assign(new Readable({ read: () => undefined }), { socket });
  const body = new CallerBody(request as unknown as IncomingMessage, most);
  let failed: unknown = null;
  body.on('error', (error) => {
    failed = error;
  });
  const send = (text: string | null, onTheWire = 0) => {
    socket.bytesRead += onTheWire;
    request.push(text);
    return nextTurn();
  };
  return { request, body, send, failure: () => failed };
};
const codeOf = (failure: unknown) =>
  failure instanceof Refusal ? `${failure.status} ${failure.code}` : failure;

test('takes nothing until it is asked for, and then all that has come, in one piece', async () => {
  const { request, body, send } = calling(100);
  await send('ab');
  await send('c');
  assert.deepEqual([request.readableLength, body.readableLength], [3, 0]);
  const pieces: string[] = [];
  body.on('data', (piece) => pieces.push(String(piece)));
  await nextTurn();
  assert.deepEqual(pieces, ['abc']);
  await send('d');
  await send(null);
  assert.deepEqual([pieces, body.readableEnded], [['abc', 'd'], true]);
});

test('a piece that nobody has taken holds up the next', async () => {
  const { request, body, send } = calling(100);
  body.read();
  await send('ab');
  await send('cd');
  assert.deepEqual([request.readableLength, body.readableLength], [2, 2]);
});

test('a body at the bound is taken, one byte more is 413, whatever came before', async () => {
  for (const [pieces, code] of [
    [['abcde'], null],
    [['abc', 'de'], null],
    [['abcdef'], '413 body-too-large'],
    [['abc', 'def'], '413 body-too-large'],
  ] as const) {
    const { body, send, failure } = calling(5);
    body.resume();
    for (const piece of pieces) await send(piece, piece.length);
    assert.equal(codeOf(failure()), code, pieces.join());
  }
});

test('framing may take a quarter of a megabyte beside twice the body, and no more', async () => {
  for (const [more, code] of [
    [0, null],
    [1, '400 chunks-too-small'],
  ] as const) {
    const { body, send, failure } = calling(1000);
    body.resume();
    await send('abcde', 256 * 1024 + 3 * 5 + more);
    assert.equal(codeOf(failure()), code);
  }
});

test('one that ends before it is whole is an error, not an end', async () => {
  const { request, body, send, failure } = calling(100);
  body.resume();
  await send('ab');
  request.destroy();
  await nextTurn();
  assert.match(String(failure()), /did not come whole/);
  assert.equal(body.readableEnded, false);
});

test('a connection that fails fails the body with the same error', async () => {
  const { request, body, failure } = calling(100);
  body.resume();
  request.destroy(new Error('reset'));
  await nextTurn();
  assert.match(String(failure()), /reset/);
});

test('once nobody wants it any more, the rest is read and dropped', async () => {
  const { request, body, send, failure } = calling(5);
  await send('abc');
  body.destroy();
  await send('defgh', 1e6);
  await send(null);
  assert.deepEqual([request.readableEnded, failure(), body.readableLength], [true, null, 0]);
});
