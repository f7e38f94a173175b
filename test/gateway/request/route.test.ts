import * as assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { rankOf, shapeOf } from '../../../bundle/openapi/pathTemplate.ts';
import { Templates } from '../../../bundle/openapi/templates.ts';
import { Refusal } from '../../../gateway/http/refusal.ts';
import { canonicalize } from '../../../gateway/request/canonicalize.ts';
import { createRouter } from '../../../gateway/request/route.ts';
import { routeOf } from '../../../gateway/request/routeOf.ts';
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

test('an encoded slash stands in parameters of operations that allow it, and never for a slash', () => {
  const files: ApiEntry = {
    ...api({
      getFile: 'GET /files/{path}',
      putFile: 'PUT /files/{path}',
      share: 'POST /files/{path}:share',
      history: 'GET /files/{path}/history',
      trash: 'GET /files/trash/{id}',
      root: 'GET /files',
    }),
    encoded_slash: ['getFile', 'share', 'trash'],
  };
  const other: ApiEntry = { ...api({ own: 'GET /b/{id}' }), route: { prefix: '/app/files/x', strip: true } };
  const by = createRouter(
    new Map([
      ['files', files],
      ['other', other],
    ]),
  );
  const of = (path: string, method = 'GET'): string => {
    try {
      return by(canonicalize(method, path, ['Host', 'a']))?.operation ?? 'none';
    } catch (error) {
      if (error instanceof Refusal) return error.code;
      throw error;
    }
  };
  const asked: [string, string, string?][] = [
    ['/app/files/a%2Fb', 'getFile'],
    ['/app/files/a%2fb%2Fc.txt', 'getFile'],
    ['/app/files/a%2Fb', 'getFile', 'HEAD'],
    ['/app/files/a%2Fb:share', 'share', 'POST'],
    ['/app/files/trash/a%2Fb', 'trash'],
    // Not where it was not asked for.
    ['/app/files/a%2Fb', 'path-ambiguous', 'PUT'],
    ['/app/files/a%2Fb', 'path-ambiguous', 'DELETE'],
    ['/app/files/a%2Fb/history', 'path-ambiguous'],
    // Whoever decodes it would find another operation, of this API or another.
    ['/app/files/a%2Fhistory', 'path-ambiguous'],
    ['/app/files/a%2FHISTORY', 'path-ambiguous'],
    ['/app/files/trash%2F7', 'path-ambiguous'],
    ['/app/files/x%2Fb%2F7', 'path-ambiguous'],
    // Nor is it a slash of a template, or of a prefix.
    ['/app%2Ffiles/a', 'path-ambiguous'],
    ['/app/files%2Fa', 'path-ambiguous'],
    ['/app/files%2Ftrash/a', 'path-ambiguous'],
    ['/nowhere/a%2Fb', 'path-ambiguous'],
    // Nor twice encoded, nor part of anything that is refused without it.
    ['/app/files/a%252Fb', 'path-ambiguous'],
    ['/app/files/a%2F..%2Fb', 'path-ambiguous'],
    ['/app/files/%2Fetc%2Fpasswd', 'path-ambiguous'],
    ['/app/files/a%2F%5Cb', 'path-ambiguous'],
  ];
  for (const [path, expected, method] of asked) assert.equal(of(path, method), expected, `${method} ${path}`);
});

const mixedOperations = {
  getJob: 'GET /jobs/{jobId}',
  cancelJob: 'POST /jobs/{jobId}:cancel',
  watchJob: 'GET /jobs/{jobId}:watch',
  batchGet: 'GET /jobs:batchGet',
  getReport: 'GET /reports/{report-id}',
  reportPdf: 'GET /reports/{report.id}.pdf',
  latestPdf: 'GET /reports/latest.pdf',
  archive: 'GET /archives/{name}.zip',
  archiveOf: 'GET /archives/{name}-{version}.zip',
  pageOf: 'GET /books/v{volume}/pages/{page}',
  anything: 'GET /{kind}/{id}',
  dropReport: 'DELETE /reports/{other}',
  headJob: 'HEAD /jobs/{id}',
};
const mixed = createRouter(
  new Map([['mixed', { ...api(mixedOperations), upstream: 'http://up:1/api/v3/' }]]),
);
const findMixed = (method: string, path: string): string => {
  try {
    return mixed(canonicalize(method, `/app${path}`, ['Host', 'a']))?.operation ?? 'none';
  } catch (error) {
    if (error instanceof Refusal) return error.code;
    throw error;
  }
};
const mixedCases: [string, string, string][] = [
  ['POST', '/jobs/7:cancel', 'cancelJob'],
  ['POST', '/jobs/a:b:cancel', 'cancelJob'],
  ['POST', '/jobs/:cancel', 'none'],
  ['POST', '/jobs/7', 'none'],
  ['POST', '/jobs/7%3Acancel', 'none'],
  ['POST', '/jobs/7:cancel/', 'none'],
  ['GET', '/jobs/7', 'getJob'],
  ['HEAD', '/jobs/7', 'headJob'],
  ['GET', '/jobs/7:watch', 'watchJob'],
  ['GET', '/jobs/7%3Awatch', 'path-ambiguous'],
  ['GET', '/jobs/7:WATCH', 'path-ambiguous'],
  ['GET', '/jobs/7%3Aelse', 'getJob'],
  ['GET', '/jobs:batchGet', 'batchGet'],
  ['GET', '/reports/7', 'getReport'],
  ['GET', '/reports/7.pdf', 'reportPdf'],
  ['GET', '/reports/7%2Epdf', 'reportPdf'],
  ['GET', '/reports/7.PDF', 'path-ambiguous'],
  ['GET', '/reports/latest.pdf', 'latestPdf'],
  ['GET', '/reports/.pdf', 'getReport'],
  ['DELETE', '/reports/7.pdf', 'dropReport'],
  ['GET', '/archives/a.zip', 'archive'],
  ['GET', '/archives/a-1.zip', 'archiveOf'],
  ['GET', '/archives/-1.zip', 'archive'],
  ['GET', '/archives/a.tgz', 'anything'],
  ['GET', '/books/v1/pages/2', 'pageOf'],
  ['GET', '/books/v/pages/2', 'none'],
];
for (const [method, path, expected] of mixedCases)
  test(`${method} ${path} is ${expected}`, () => assert.equal(findMixed(method, path), expected));

test('the path of an upstream goes before every path of its operations', () => {
  const route = mixed(canonicalize('GET', '/app/jobs/7', ['Host', 'a']));
  assert.equal([route?.upstream, route?.base].join(' '), 'http://up:1 /api/v3');
});

test('a hostile segment takes no time in the square of its length', () => {
  const many = createRouter(new Map([['a', api({ a: 'GET /{a}-{b}-{c}-{d}.zip' })]]));
  assert.equal(many(canonicalize('GET', `/app/${'-'.repeat(8000)}`, ['Host', 'a'])), null);
  assert.equal(many(canonicalize('GET', `/app/${'-'.repeat(8000)}.zip`, ['Host', 'a']))?.operation, 'a');
});

test('by property: of the operations that a path could mean, the one whose leftmost segment says most is found', () => {
  const word = fc.constantFrom('a', 'b', 'ab', '{x}', '{x}.b', 'a{x}', '{x}-{y}', 'a{x}b', '{x}b');
  const templates = fc.array(fc.array(word, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 8 });
  const path = fc.array(fc.constantFrom('a', 'b', 'ab', 'a.b', 'a-b', 'aab', 'abb', '-', 'a-.b'), {
    minLength: 1,
    maxLength: 3,
  });
  fc.assert(
    fc.property(templates, fc.array(path, { minLength: 1, maxLength: 8 }), (given, paths) => {
      const apart = new Templates<string>();
      const kept = given
        .map((segments) => `/${segments.join('/')}`)
        .filter((template) => apart.add('GET', template, template) === null);
      const operations = Object.fromEntries(kept.map((template, index) => [`o${index}`, `GET ${template}`]));
      const router = createRouter(new Map([['a', api(operations)]]));
      for (const segments of paths) {
        const asked = `/${segments.join('/')}`;
        const matching = kept.filter((template) => {
          const pattern = template.replace(/[.-]/g, '\\$&').replace(/\{[^}]*\}/g, '[^/]+');
          return new RegExp(`^${pattern}$`).test(asked);
        });
        const found = router(canonicalize('GET', `/app${asked}`, ['Host', 'a']));
        assert.equal(found !== null, matching.length > 0, asked);
        if (found === null) continue;
        assert.ok(matching.includes(found.template));
        // Nothing that matches as well says more where the two first differ.
        const own = found.template.split('/');
        for (const other of matching.map((template) => template.split('/'))) {
          const at = own.findIndex((segment, index) => shapeOf(segment) !== shapeOf(other[index] ?? ''));
          if (at >= 0) assert.ok(says(own[at] ?? '') >= says(other[at] ?? ''), `${asked}: ${found.template}`);
        }
      }
    }),
    { numRuns: 500 },
  );
});

const says = (segment: string) => Number(rankOf(`/${segment}`));

test('an operation is found by its own name only, of an API that there is', () => {
  const apis = new Map([['users', api({ getMe: 'GET /users/@me' })]]);
  assert.equal(routeOf(apis, 'users', 'getMe')?.route.operation, 'getMe');
  for (const [name, operation] of [
    ['users', 'getUs'],
    ['users', 'toString'],
    ['users', '__proto__'],
    ['user', 'getMe'],
    ['toString', 'getMe'],
  ] as const)
    assert.equal(routeOf(apis, name, operation), null, `${name} ${operation}`);
});
