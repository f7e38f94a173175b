import type { Api, Grant, Organisation, Person } from '../../bundle/grants/organisation.ts';
import { reviewFile } from '../../bundle/grants/reviewRules.ts';
import type { Service } from '../../bundle/grants/schema.ts';
import { type Random, random } from '../../demo/random.ts';

const place = { file: 'generated', line: 1, column: 1, start: 0, end: 0 };
const many = <T>(count: number, make: (index: number) => T) =>
  Array.from({ length: count }, (_, i) => make(i));

export const networkNames = ['office', 'vpn', 'lab', 'warehouse'];
export const operationNames = many(6, (i) => `operation${i}`);
/** Grants expire around this time, whole seconds since 1970. */
export const now = 1_795_428_000;

/** A made-up organisation full of edge cases: every group nesting, grant state and condition, expiry to the second. */
export function generatedOrganisation(
  seed: string,
  names: { login: (index: number) => string; group: (index: number) => string } = {
    login: (i) => `person-${i}@example.com`,
    group: (i) => `team-${i}`,
  },
): Organisation {
  const draw = random(seed);
  const groupNames = many(12, (i) => `group:${names.group(i)}`);
  const people = many(
    60,
    (i): Person => ({
      login: names.login(i),
      id: `id-${i}`,
      status: draw.chance(0.85) ? 'active' : draw.pick(['suspended', 'deprovisioned'] as const),
      provider: 'generated',
    }),
  );
  const services = many(
    8,
    (i): Service => ({
      name: `service-${i}`,
      owner: 'group:team-0',
      state: draw.chance(0.8) ? 'active' : 'disabled',
      credentials: [],
    }),
  );
  const subjects = [
    ...people.map((one) => `user:${one.login}`),
    ...services.map((one) => `service:${one.name}`),
  ];
  const apis = many(7, (i): Api => api(`api-${i}`));
  return {
    apis: new Map(apis.map((one) => [one.name, one])),
    // The last API has no grants, so it does not appear in the document's grants at all.
    grants: many(320, (i) =>
      grant(
        `grant-${i}`,
        draw.pick(apis.slice(0, -1)),
        draw.pick([...subjects, ...groupNames, ...groupNames]),
        draw,
      ),
    ),
    people: new Map(people.map((one) => [one.login, one])),
    groups: new Map(groupNames.map((name) => [name.slice(6), { name: name.slice(6), members: [] }])),
    services: new Map(services.map((one) => [one.name, one])),
    memberships: new Map(subjects.map((name) => [name, groupNames.filter(() => draw.chance(0.2)).sort()])),
    networks: new Map(networkNames.map((name) => [name, ['192.0.2.0/24']])),
    review: reviewFile.parse({}),
    directories: [],
  };
}

function api(name: string): Api {
  return {
    name,
    description: name,
    owner: 'group:team-0',
    tier: 'low',
    upstream: 'http://127.0.0.1:1',
    route: { prefix: `/${name}`, strip: true },
    operations: new Map(operationNames.map((operation) => [operation, `GET /v1/${operation}`])),
    roles: new Map(),
    limits: undefined,
    place,
  };
}

function grant(id: string, { name }: Api, principal: string, draw: Random): Grant {
  const covers = operationNames.filter(() => draw.chance(0.4));
  const networks = networkNames.filter(() => draw.chance(0.4));
  const expiresAt = draw.chance(0.4) ? now + draw.pick([-86_400, -1, 0, 1, 86_400]) : null;
  const conditions = {
    ...(draw.chance(0.5) ? { mfa: true as const } : {}),
    ...(networks.length > 0 && draw.chance(0.7) ? { networks } : {}),
  };
  return {
    id,
    principal,
    api: name,
    reason: 'generated',
    owner: 'group:team-0',
    granted: '2026-01-01',
    state: draw.chance(0.8) ? 'active' : 'suspended',
    ...(draw.chance(0.4) ? { conditions } : {}),
    covers: covers.length > 0 ? covers : ['operation0'],
    grantedAt: 0,
    expiresAt,
    place,
  };
}
