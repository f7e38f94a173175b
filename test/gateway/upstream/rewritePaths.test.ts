import * as assert from 'node:assert/strict';
import { rewritePaths } from '../../../gateway/upstream/rewritePaths.ts';
import { suite } from '../../_suite.ts';

const test = suite('rewritePaths');
const admission = (base: string, strip: number) => ({
  route: { api: 'a', operation: 'o', template: '/v1/x', upstream: 'http://up.internal:8080', base, strip },
  canonical: { method: 'GET' as const, host: 'h', path: '/shop/v1/x', query: '' },
});
const locations: [base: string, strip: number, location: string, expected: string][] = [
  ['', 5, '/v1/y?a=/b#c', '/shop/v1/y?a=/b#c'],
  ['', 5, '/', '/shop/'],
  ['', 5, 'http://up.internal:8080/v1/y', '/shop/v1/y'],
  ['', 5, 'HTTP://UP.internal:8080/v1/y', '/shop/v1/y'],
  ['', 5, 'http://up.internal:80801/v1/y', 'http://up.internal:80801/v1/y'],
  ['', 5, 'http://up.internal:8080@evil.example/', 'http://up.internal:8080@evil.example/'],
  ['', 5, 'https://login.example.com/v1', 'https://login.example.com/v1'],
  ['', 5, '//evil.example/v1', '//evil.example/v1'],
  ['', 5, '../y', '../y'],
  ['', 5, '?page=2', '?page=2'],
  ['', 0, '/v1/y', '/v1/y'],
  ['', 0, 'http://up.internal:8080/v1/y', '/v1/y'],
  ['', 0, 'http://up.internal:8080//evil.example', 'http://up.internal:8080//evil.example'],
  ['/api', 5, '/api/v1/y', '/shop/v1/y'],
  ['/api', 5, '/api', '/shop'],
  ['/api', 5, '/apiary', '/apiary'],
  ['/api', 5, '/login', '/login'],
  ['/api', 0, '/api/v1/y', '/v1/y'],
  ['/api', 0, '/api', '/'],
  ['/api', 0, '/api?x', '/?x'],
  ['/api', 0, '/api//evil.example', '/evil.example'],
  ['/api', 0, '/api/\\evil.example', '/evil.example'],
];
for (const [base, strip, location, expected] of locations)
  test(`with ${base || 'no'} base and ${strip} stripped, ${location} is ${expected}`, () => {
    const changed = rewritePaths({ location, 'content-location': location }, admission(base, strip));
    assert.deepEqual(changed, { location: expected, 'content-location': expected });
  });

const cookies: [base: string, strip: number, cookie: string, expected: string][] = [
  ['', 5, 'a=1; Path=/; Secure', 'a=1; Path=/shop; Secure'],
  ['', 5, 'a=1; path=/v1', 'a=1; path=/shop/v1'],
  ['', 5, 'a=1', 'a=1'],
  ['', 5, 'path=/v1', 'path=/v1'],
  ['', 0, 'a=1; Path=/v1', 'a=1; Path=/v1'],
  ['/api', 5, 'a=1; Path=/api/v1', 'a=1; Path=/shop/v1'],
  ['/api', 5, 'a=1; Path=/api/', 'a=1; Path=/shop'],
  ['/api', 0, 'a=1; Path=/', 'a=1; Path=/'],
  ['/api', 0, 'a=1; Path=/other', 'a=1; Path=/other'],
];
for (const [base, strip, cookie, expected] of cookies)
  test(`with ${base || 'no'} base and ${strip} stripped, the cookie ${cookie} is ${expected}`, () => {
    const changed = rewritePaths({ 'set-cookie': [cookie, cookie] }, admission(base, strip));
    assert.deepEqual(changed['set-cookie'], [expected, expected]);
  });

test('headers without such paths are passed on as they are', () => {
  const headers = { etag: '/v1' };
  assert.equal(rewritePaths(headers, admission('/api', 5)), headers);
});
