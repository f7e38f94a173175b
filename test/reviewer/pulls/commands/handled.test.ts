import * as assert from 'node:assert/strict';
import { instantOf } from '../../../../bundle/format/times.ts';
import type { Forge, ForgeComment } from '../../../../reviewer/forge/forge.ts';
import { answerEach } from '../../../../reviewer/pulls/commands/answerEach.ts';
import { suite } from '../../../_suite.ts';

const test = suite('comments that were answered');

test('each of very many is carried out once, in the order of time, over any number of runs', async () => {
  const said: ForgeComment[] = [];
  const carriedOut: string[] = [];
  let handled: string[] = [];
  let id = 0;
  const say = (body: string, atMs: number, kind: ForgeComment['kind'] = 'comment') => {
    id += 1;
    said.push({
      ...{ id, kind, key: `${kind[0]}${id}`, author: 'dana', isBot: false, isEdited: false, isOurs: false },
      body,
      atMs,
    });
  };
  const forge = {
    comments: async () => [...said].sort((a, b) => a.atMs - b.atMs || a.id - b.id),
    mayWrite: async () => true,
    react: async () => {},
    comment: async () => assert.fail('there is nothing to say'),
  } as unknown as Forge;
  const run = () =>
    answerEach({
      ...{ forge, number: 1, organisation: { people: new Map() } as never },
      now: () => ({ grants: ['idle'], handled }),
      async carryOut({ at, handled: next }) {
        carriedOut.push(at);
        // As a description remembers it.
        handled = JSON.parse(JSON.stringify(next));
        return { replies: [], moved: true };
      },
    });
  // A campaign's owner who answers for each of three hundred grants alone; some in the same second.
  for (let i = 0; i < 300; i += 1)
    say('/revoke idle', 1_795_428_000_000 + Math.floor(i / 2) * 1000, i % 3 ? 'comment' : 'review');
  assert.equal((await run()).handled, 300);
  assert.equal((await run()).handled, 0);
  assert.ok(handled.length <= 201, `${handled.length}`);
  for (let i = 0; i < 5; i += 1) {
    say('/keep idle 2027-03-31 the audit', 1_795_428_000_000 + (200 + i) * 1000);
    assert.equal((await run()).handled, 1);
  }
  // What was deleted meanwhile is forgotten, and nothing else is done again.
  said.splice(100, 150);
  say('/revoke idle', 1_795_428_300_000);
  assert.equal((await run()).handled, 1);
  assert.equal((await run()).handled, 0);
  assert.equal(carriedOut.length, 306);
  assert.deepEqual(carriedOut, carriedOut.toSorted());
  assert.equal(carriedOut.at(-1), instantOf(1_795_428_300));
});
