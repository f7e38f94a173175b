import * as assert from 'node:assert/strict';
import { createOpenList } from '../../../gateway/memory/openList.ts';
import { suite } from '../../_suite.ts';

const test = suite('openList');
const names = (list: { items(): Iterable<{ name: string }> }) =>
  [...list.items()].map(({ name }) => name).sort();

test('knows what is under way, whatever ends first', () => {
  const list = createOpenList<{ name: string }>();
  const over = new Map(['a', 'b', 'c', 'd'].map((name) => [name, list.add({ name })]));
  const end = (name: string) => over.get(name)?.();
  assert.deepEqual(names(list), ['a', 'b', 'c', 'd']);
  end('b');
  assert.deepEqual(names(list), ['a', 'c', 'd']);
  end('b');
  assert.equal(list.size, 3, 'what is over is over once');
  end('d');
  end('a');
  assert.deepEqual(names(list), ['c']);
  const last = list.add({ name: 'e' });
  end('c');
  last();
  assert.equal(list.size, 0);
  last();
  assert.equal(list.size, 0);
});

test('a walk passes over what ends meanwhile, and does not meet what begins', () => {
  const list = createOpenList<{ name: string; over: () => void }>();
  const items = ['a', 'b', 'c', 'd', 'e'].map((name) => ({ name, over: (): void => undefined }));
  for (const item of items) item.over = list.add(item);
  const met: string[] = [];
  for (const { name } of list.items()) {
    met.push(name);
    if (name === 'a') {
      items[0]?.over();
      items[2]?.over();
      list.add({ name: 'late', over: () => undefined });
    }
  }
  assert.deepEqual(met, ['a', 'b', 'd', 'e']);
  assert.deepEqual(names(list), ['b', 'd', 'e', 'late']);
});
