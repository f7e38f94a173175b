import * as assert from 'node:assert/strict';
import fc from 'fast-check';
import { facts } from '../../../bundle/grants/api/facts.ts';
import type { Facts, Question } from '../../../gateway/decision/decision.ts';
import { createReadFacts } from '../../../gateway/decision/facts.ts';
import type { ApiEntry } from '../../../gateway/revision/snapshot.ts';

export const country = { header: 'x-geo-country', from: 'trusted_proxies', values: ['DE', 'FR'] };
export const declared: Record<string, object> = {
  tenant: { param: 'tenant', max_length: 8 },
  page: { param: 'page', type: 'number' },
  country: { ...country, record: 'value' },
  agent: { header: 'x-agent', from: 'caller', record: 'digest' },
  device: { claim: 'device.trust' },
  level: { claim: 'level', type: 'number', record: 'value' },
  staff: { claim: 'staff', type: 'boolean' },
  roles: { claim: 'roles', type: 'list', max_length: 5 },
  constructor: { claim: 'constructor' },
  time: { property: 'context.time', record: 'value' },
  status: { property: 'resource.status' },
};
export const factsOnly = (all: Record<string, object>): ReadonlyMap<string, Pick<ApiEntry, 'facts'>> =>
  new Map([['orders', { facts: facts.parse(all) }]]);
export const readFacts = createReadFacts(factsOnly(declared)) ?? assert.fail('facts are declared');

export const route = {
  api: 'orders',
  operation: 'x',
  template: '/t/{tenant}/{page}',
  upstream: 'http://o',
  base: '',
  strip: 0,
};
export type Token = Readonly<Record<string, unknown>>;
export function asked(
  {
    token,
    sent = [],
    proxy,
    path = '/t/acme/7',
  }: {
    token?: Token;
    sent?: readonly string[];
    proxy?: boolean;
    path?: string;
  } = {},
  time = 100,
): Question {
  const subject = 'user:ann';
  const proof = {
    method: 'jwt' as const,
    ...{ id: 'i', issuer: 'https://i', sub: 's', login: 'ann', groups: null, mfa: false },
    ...{ expiresAt: null, payload: token ?? {}, bytes: 600 },
  };
  return {
    identity: { subject, groups: null, mfa: false, expiresAt: null, credential: 'one', proof },
    ...{ route, method: 'GET', networks: [], time, path },
    headers: { rawHeaders: sent, ...(proxy === undefined ? {} : { fromProxy: () => proxy }) },
  };
}
export const read = (question: Question): Facts => readFacts(question);
export const ofToken = (token: Token) => read(asked({ token }));
export const ofHeaders = (sent: readonly string[], proxy = true) => read(asked({ sent, proxy }));

export const mostly = <T>(arbitrary: fc.Arbitrary<T>) =>
  fc.oneof(
    { weight: 9, arbitrary },
    { weight: 1, arbitrary: fc.oneof(fc.constantFrom(null, '', 'x\n', 2 ** 53), fc.double(), fc.object()) },
  );
export const token = fc.record(
  {
    level: mostly(fc.integer({ min: -1, max: 1 })),
    staff: mostly(fc.boolean()),
    roles: mostly(fc.array(fc.constantFrom('a', 1, true), { maxLength: 2 })),
    constructor: mostly(fc.constantFrom('a', 'b')),
    'device.trust': mostly(fc.constantFrom('a', '1', 'true')),
  },
  { requiredKeys: [] },
);
export const headers = fc
  .array(
    fc.tuple(
      fc.constantFrom('x-geo-country', 'X-Geo-Country', 'x-agent', 'x_agent'),
      fc.constantFrom('DE', 'FR', 'DE', 'FR', '', 'a,b'),
    ),
    { maxLength: 2 },
  )
  .map((pairs) => pairs.flat());
