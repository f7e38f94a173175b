import * as assert from 'node:assert/strict';
import type { Duplex } from 'node:stream';
import fc from 'fast-check';
import { followFrames } from '../../../gateway/upstream/relays.ts';
import { suite } from '../../_suite.ts';
import { handshake, raw, startWorld, switched } from '../_gateway.ts';

const test = suite('relays');

/** A frame as RFC 6455, 5.2 lays it out; `mask` as clients send them. */
function frame(size: number, mask: boolean): Buffer {
  const extended = size > 65_535 ? 8 : size > 125 ? 2 : 0;
  const head = Buffer.alloc(2 + extended + (mask ? 4 : 0));
  head[0] = 0x82;
  head[1] = (mask ? 0x80 : 0) | (extended === 0 ? size : extended === 2 ? 126 : 127);
  if (extended === 2) head.writeUInt16BE(size, 2);
  if (extended === 8) head.writeBigUInt64BE(BigInt(size), 2);
  // A payload that reads like the beginning of another frame.
  return Buffer.concat([head, Buffer.alloc(size, 0x88)]);
}

test('tells the ends of frames, however their bytes are cut', () => {
  const size = fc.oneof(fc.nat(130), fc.constantFrom(125, 126, 127, 65_535, 65_536), fc.nat(70_000));
  const frames = fc.array(fc.tuple(size, fc.boolean()), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(frames, fc.array(fc.integer({ min: 1, max: 9000 }), { minLength: 1 }), (sizes, cuts) => {
      const bytes = sizes.map(([length, mask]) => frame(length, mask));
      const ends = new Set([0]);
      let sum = 0;
      for (const { length } of bytes) {
        sum += length;
        ends.add(sum);
      }
      const all = Buffer.concat(bytes);
      const follow = followFrames();
      for (let at = 0, turn = 0; at < all.length; turn += 1) {
        const next = Math.min(all.length, at + (cuts[turn % cuts.length] ?? 1));
        follow.take(all.subarray(at, next));
        at = next;
        assert.equal(follow.between(), ends.has(at), `${at}`);
      }
    }),
    { numRuns: 300, seed: 7 },
  );
});

test('a revocation sends a close frame between two frames, none inside one, and ends the upstream’s side', async () => {
  const world = await startWorld();
  try {
    const token = await world.issuer.token({ sub: 'ann@example.com', amr: ['mfa'] });
    const whole = frame(300, false);
    const gone: Promise<unknown>[] = [];
    let cut = false;
    world.upstream.server.on('upgrade', (_request, socket: Duplex) => {
      gone.push(new Promise((done) => socket.once('close', done)));
      socket.on('end', () => socket.end());
      socket.on('error', () => undefined);
      socket.resume();
      // The first bytes come together with the answer; they must be followed too.
      socket.write(Buffer.concat([Buffer.from(switched), cut ? whole.subarray(0, 200) : whole]));
      cut = true;
    });
    const read = async () => Buffer.from(await raw(world.gateway.url, handshake(token), Infinity), 'latin1');
    const first = read();
    while (gone.length < 1) await new Promise((done) => setTimeout(done, 5));
    const second = read();
    while (gone.length < 2) await new Promise((done) => setTimeout(done, 5));
    await new Promise((done) => setTimeout(done, 100));
    await world.push({ 'grants/access/orders/billing.yaml': null, 'grants/review.yaml': null });
    const [between, inside] = await Promise.all([first, second]);
    const body = (bytes: Buffer) => bytes.subarray(bytes.indexOf('\r\n\r\n') + 4);
    const close = Buffer.concat([Buffer.from([0x88, 16, 0x03, 0xf0]), Buffer.from('access revoked')]);
    assert.deepEqual(body(between), Buffer.concat([whole, close]));
    assert.deepEqual(body(inside), whole.subarray(0, 200));
    await Promise.all(gone);
  } finally {
    await world.close();
  }
});
