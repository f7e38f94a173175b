import * as assert from 'node:assert/strict';
import type { Watched } from '../../../demo/forge/serveApi.ts';
import { suite } from '../../_suite.ts';
import { undescribed } from '../_described.ts';

const test = suite('the forge’s answers and GitHub’s description');

const pulls = '/api/v3/repos/acme/access/pulls';
const status: Watched = {
  ...{ method: 'POST', path: `/api/v3/repos/acme/access/statuses/${'a'.repeat(40)}`, status: 201 },
  request: { context: 'grantgate/announced', state: 'success', description: 'd' },
  body: {
    ...{ url: 'u', avatar_url: null, id: 1, node_id: 'n', state: 'success', description: 'd' },
    ...{ target_url: null, context: 'c', created_at: 'c', updated_at: 'u', creator: null },
  },
};

test('what GitHub describes passes', () => {
  assert.equal(undescribed(status), null);
  assert.equal(undescribed({ method: 'GET', path: pulls, status: 200, request: undefined, body: [] }), null);
  assert.equal(
    undescribed({ ...status, status: 500, body: { message: 'Server Error' } }),
    null,
    'an error that says what it is',
  );
  // A path that the reviewer does not ask for is none of its business.
  assert.equal(undescribed({ ...status, path: '/api/v3/meta', body: 7 }), null);
});

test('whatever is missing, of another type, or not there at GitHub is told', () => {
  const { creator, ...less } = status.body as { creator: unknown };
  assert.equal(creator, null);
  for (const [changes, why] of [
    [{ body: less }, /creator/],
    [{ body: { ...(status.body as object), id: '1' } }, /\/id must be integer/],
    [{ status: 202 }, /answers 202, which GitHub does not/],
    [{ status: 500, body: '<html>' }, /says nothing/],
    [{ request: { context: 'c' } }, /is called with what GitHub does not take: .*'state'/],
    [{ request: { state: 'done' } }, /must be equal to one of the allowed values/],
  ] as const)
    assert.match(undescribed({ ...status, ...changes }) ?? '', why);
  const listed = { method: 'GET', path: pulls, status: 200, request: undefined };
  assert.match(undescribed({ ...listed, body: {} }) ?? '', /must be array/);
  assert.match(undescribed({ ...listed, body: [{ number: 1 }] }) ?? '', /must have required property/);
});
