import * as assert from 'node:assert/strict';
import { Refusal } from '../../../gateway/http/refusal.ts';
import { canonicalize } from '../../../gateway/request/canonicalize.ts';
import { createRouter } from '../../../gateway/request/route.ts';
import type { ApiEntry } from '../../../gateway/revision/snapshot.ts';
import { suite } from '../../_suite.ts';

const test = suite('route');
const api = (operations: Record<string, string>): ApiEntry => ({
  description: 'Users',
  operations,
  owner: 'group:platform',
  route: { prefix: '/app', strip: true },
  tier: 'low',
  upstream: 'http://127.0.0.1:1',
});
const router = createRouter(
  new Map([
    [
      'users',
      api({
        getMe: 'GET /users/@me',
        getUser: 'GET /users/{id}',
        exportUsers: 'GET /users/export',
        listFiles: 'GET /users/{id}/files',
        audit: 'GET /users/Audit',
      }),
    ],
  ]),
);
const find = (path: string, method = 'GET'): string => {
  try {
    return router(canonicalize(method, path, ['Host', 'a']))?.operation ?? 'none';
  } catch (error) {
    if (error instanceof Refusal) return error.code;
    throw error;
  }
};

const cases: [string, string][] = [
  ['/app/users/@me', 'getMe'],
  ['/app/users/%40me', 'path-ambiguous'],
  ['/app/users/@ME', 'path-ambiguous'],
  ['/app/users/export', 'exportUsers'],
  ['/app/users/%65xport', 'exportUsers'],
  ['/app/users/EXPORT', 'path-ambiguous'],
  ['/app/users/%2565xport', 'path-ambiguous'],
  ['/app/users/export%3Fx', 'path-ambiguous'],
  ['/app/users/Audit', 'audit'],
  ['/app/users/audit', 'path-ambiguous'],
  ['/app/users/Anna', 'getUser'],
  ['/app/users/ann%40example.com', 'getUser'],
  ['/app/users/a%25', 'getUser'],
  ['/app/users/a%3Fb%23c', 'getUser'],
  ['/app/users/%E2%82%AC', 'getUser'],
  ['/app/users/EXPORT/files', 'listFiles'],
  ['/app/users/', 'none'],
  ['/APP/users/7', 'none'],
];
for (const [path, expected] of cases) {
  test(`${path} is ${expected}`, () => {
    assert.equal(find(path), expected);
    assert.equal(find(path, 'HEAD'), expected);
  });
}

test('operations that differ in case only may stand beside each other', () => {
  const both = createRouter(new Map([['a', api({ upper: 'GET /X/{id}', lower: 'GET /x/{id}' })]]));
  assert.equal(both(canonicalize('GET', '/app/X/1', ['Host', 'a']))?.operation, 'upper');
  assert.equal(both(canonicalize('GET', '/app/x/1', ['Host', 'a']))?.operation, 'lower');
});
