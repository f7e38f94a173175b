import * as assert from 'node:assert/strict';
import fc from 'fast-check';
import { followFrames } from '../../../gateway/upstream/relays.ts';
import { suite } from '../../_suite.ts';
import { frame } from './_frame.ts';

const test = suite('relays');

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
