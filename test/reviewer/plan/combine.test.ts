import * as assert from 'node:assert/strict';
import type { Edit } from '../../../reviewer/edit/edit.ts';
import { combine } from '../../../reviewer/plan/combine.ts';
import { suite } from '../../_suite.ts';

const test = suite('several edits of one grant');

type Known = Parameters<typeof combine>[1];
const api = { roles: new Map([['reader', ['get', 'list']]]) };
const organisation = {
  apis: new Map([['orders', api]]),
  grants: ['one', 'two'].map((id) => ({ id, api: 'orders' })),
} as unknown as Known;
const of = (...edits: Edit[]) => combine(edits, organisation);
const to = (...operations: string[]): Edit => ({ kind: 'narrow', grant: 'one', to: { operations } });
const reader: Edit = { kind: 'narrow', grant: 'one', to: { role: 'reader' } };
const deletion: Edit = { kind: 'delete', grant: 'one' };
const owner: Edit = { kind: 'set', grant: 'one', to: { owner: 'group:desk' } };

test('what goes goes once, whatever else was said of it, and takes no other along', () => {
  const other: Edit = { kind: 'suspend', grant: 'two' };
  assert.deepEqual(of(deletion, other, deletion), [deletion, other]);
  assert.deepEqual(of(owner, reader, deletion), [deletion]);
  assert.deepEqual(of(deletion, { kind: 'suspend', grant: 'one' }), [deletion]);
});

test('what is narrowed twice keeps only what both leave', () => {
  assert.deepEqual(of(reader, to('get', 'list', 'remove')), [reader]);
  assert.deepEqual(of(to('get', 'remove'), reader), [to('get')]);
  assert.deepEqual(of(to('remove'), reader), [deletion]);
  assert.deepEqual(of(reader, owner), [owner, reader]);
  assert.deepEqual(of(reader), [reader]);
});
