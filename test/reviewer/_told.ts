import type { Random } from '../../demo/random.ts';

// An organisation drawn by chance, written as files, and what a gateway has to decide by it: worked out from the documents
// alone, with nothing of the product's.

export type Operation = { name: string; call: string; open: boolean };
export type Grant = {
  id: string;
  principal: string;
  operations: readonly string[];
  expires?: string;
  suspended: boolean;
  mfa: boolean;
  networks: readonly string[];
  tenants: readonly string[];
};
export type Model = {
  operations: readonly Operation[];
  people: readonly { login: string; status: 'active' | 'suspended' }[];
  bot: 'active' | 'disabled';
  groups: readonly { name: string; members: readonly string[] }[];
  networks: Readonly<Record<string, readonly string[]>>;
  grants: readonly Grant[];
};
export type Call = {
  subject: string;
  operation: string;
  networks: readonly string[];
  mfa: boolean;
  time: number;
  tenant: string;
};

export const logins = ['ann@example.com', 'Jürgen@x.example', "o'brien@x.example"];
const groups = ['desk', 'Night Shift', 'straße'];
export const subjects = [...logins.map((login) => `user:${login}`), 'service:bot', 'user:stranger@x.example'];
export const tenants = ['acme', 'ACME', 'other'];
const calls: readonly (readonly [name: string, call: string])[] = [
  ['list', 'GET /v1/things'],
  ['get', 'GET /v1/{tenant}/things'],
  ['toString', 'PUT /v1/{tenant}/text'],
];
const blocks: Readonly<Record<string, readonly (readonly string[])[]>> = {
  office: [['192.0.2.0/25'], ['192.0.2.77/24'], ['2001:db8:10::/48', '192.0.2.5/32']],
  vpn: [['203.0.113.0/27'], ['::ffff:203.0.113.0/123'], ['2001:db8::/32', '192.0.2.128/25']],
};
/** Edges of those blocks, and one address in several spellings. */
export const addresses = [
  ...['192.0.2.5', '::ffff:192.0.2.5', '::ffff:c000:205', '192.0.2.127', '192.0.2.128', '192.0.3.0'],
  ...[
    '203.0.113.31',
    '0:0:0:0:0:ffff:cb00:711f',
    '203.0.113.32',
    '2001:DB8:10::1',
    '2001:db8:11::',
    'unknown',
  ],
];
const ends = ['2026-11-23', '2026-11-24T00:00:00+01:00', '2027-03-28T03:00:00+02:00', '2028-02-29'];
/** Midnights, the changes of clocks and a leap day, each with the second before. */
export const times = [
  ...['2026-11-23T22:59:59Z', '2026-11-23T23:00:00Z', '2026-11-23T23:59:59Z', '2026-11-24T00:00:00Z'],
  ...['2027-03-28T00:59:59Z', '2027-03-28T01:00:00Z', '2028-02-29T23:59:59Z', '2028-03-01T00:00:00Z'],
].map((text) => Date.parse(text) / 1000);

const some = <T>(draw: Random, all: readonly T[], share: number) => all.filter(() => draw.chance(share));
const atLeastOne = <T>(draw: Random, all: readonly T[]): T[] => {
  const chosen = some(draw, all, 0.5);
  return chosen.length > 0 ? chosen : [draw.pick(all)];
};

function drawGrant(draw: Random, id: string): Grant {
  const restricted = draw.chance(0.25);
  const principal = draw.pick([...subjects, ...groups.map((name) => `group:${name}`), 'group:elsewhere']);
  return {
    id,
    principal: draw.chance(0.2)
      ? principal.replace(/(?<=^(?:user|group):)[a-zü]/i, (one) => one.toUpperCase())
      : principal,
    operations: atLeastOne(draw, calls.slice(restricted ? 1 : 0)).map(([name]) => name),
    ...(draw.chance(0.5) && { expires: draw.pick(ends) }),
    suspended: draw.chance(0.1),
    mfa: draw.chance(0.25),
    networks: draw.chance(0.4) ? atLeastOne(draw, Object.keys(blocks)) : [],
    tenants: restricted ? atLeastOne(draw, tenants.slice(0, 2)) : [],
  };
}

export function drawModel(draw: Random): Model {
  return {
    operations: calls.map(([name, call]) => ({ name, call, open: draw.chance(0.12) })),
    people: logins.map((login) => ({ login, status: draw.chance(0.8) ? 'active' : 'suspended' })),
    bot: draw.chance(0.8) ? 'active' : 'disabled',
    groups: groups.map((name, at) => ({
      name,
      members: [
        ...some(draw, subjects.slice(0, 4), 0.35),
        ...some(draw, groups.slice(0, at), 0.5).map((inner) => `group:${inner}`),
      ],
    })),
    networks: Object.fromEntries(Object.entries(blocks).map(([name, all]) => [name, draw.pick(all)])),
    grants: Array.from({ length: 1 + draw.below(6) }, (_, at) => drawGrant(draw, `grant-${at}`)),
  };
}

/** One thing is otherwise. */
export function drawChange(draw: Random, was: Model): Model {
  const at = <T>(all: readonly T[], change: (one: T) => T | null): T[] => {
    const chosen = draw.below(all.length);
    return all.flatMap((one, place) => (place === chosen ? (change(one) ?? []) : [one]));
  };
  const toggled = (all: readonly string[], one: string) =>
    all.includes(one) ? all.filter((other) => other !== one) : [...all, one];
  switch (draw.below(7)) {
    case 0:
      return { ...was, grants: [...was.grants, drawGrant(draw, 'grant-new')] };
    case 1:
      return { ...was, grants: at(was.grants, () => null) };
    case 2:
      return {
        ...was,
        grants: at(was.grants, ({ id, principal }) => ({ ...drawGrant(draw, id), principal })),
      };
    case 3:
      return {
        ...was,
        people: at(was.people, (one) => ({
          ...one,
          status: one.status === 'active' ? 'suspended' : 'active',
        })),
      };
    case 4:
      return {
        ...was,
        groups: at(was.groups, (one) => ({
          ...one,
          members: toggled(one.members, draw.pick(subjects.slice(0, 4))),
        })),
      };
    case 5:
      return { ...was, operations: at(was.operations, (one) => ({ ...one, open: !one.open })) };
    default:
      return { ...was, bot: was.bot === 'active' ? 'disabled' : 'active' };
  }
}

export function filesOf({
  operations,
  people,
  bot,
  groups: all,
  networks,
  grants,
}: Model): Record<string, string> {
  const open = operations.filter((one) => one.open).map(({ name }) => `${name}: { public: true }`);
  const entry = (one: Grant) => ({
    ...{ id: one.id, principal: one.principal, api: 'things', operations: one.operations, reason: 'Because' },
    ...{ owner: 'group:desk', granted: '2026-01-01', expires: one.expires },
    ...(one.suspended && { state: 'suspended' }),
    ...((one.mfa || one.networks.length > 0) && {
      conditions: {
        ...(one.mfa && { mfa: true }),
        ...(one.networks.length > 0 && { networks: one.networks }),
      },
    }),
    ...(one.tenants.length > 0 && { params: { tenant: one.tenants } }),
  });
  return {
    'grants/apis/things.yaml': `api: things
description: Things
owner: group:desk
tier: low
upstream: http://127.0.0.1:1
route: { prefix: /things }
operations: ${JSON.stringify(Object.fromEntries(operations.map(({ name, call }) => [name, call])))}
${open.length > 0 ? `exceptions: { ${open.join(', ')} }\n` : ''}`,
    'grants/access/things/desk.yaml': JSON.stringify(grants.map(entry)),
    'grants/networks.yaml': JSON.stringify(networks),
    'grants/directory/services.yaml': `services: [{ name: bot, owner: group:desk, state: ${bot} }]\n`,
    'grants/directory/okta.yaml': JSON.stringify({
      ...{ provider: 'okta', synced: '2026-11-23T03:00:00Z', complete: true },
      people: people.map((one, at) => ({ ...one, id: `00u${at}` })),
      groups: all,
    }),
  };
}

const same = (one: string, other: string) =>
  one.normalize('NFC').toLowerCase() === other.normalize('NFC').toLowerCase();

export function isActive({ people, bot }: Model, subject: string): boolean {
  if (subject === 'service:bot') return bot === 'active';
  return people.some(({ login, status }) => same(`user:${login}`, subject) && status === 'active');
}

/** The groups that somebody or a group is in, through others too. */
function groupsOf({ groups: all }: Model, name: string): string[] {
  const direct = all
    .filter(({ members }) => members.some((one) => same(one, name)))
    .map((one) => `group:${one.name}`);
  return direct.flatMap((one) => [one, ...groupsOf({ groups: all } as Model, one)]);
}

export const heldBy = (model: Model, subject: string): Grant[] => {
  const names = [subject, ...groupsOf(model, subject)];
  return model.grants.filter(({ principal }) => names.some((name) => same(name, principal)));
};

/** Exclusive: a day ends with the next midnight, UTC. */
export const endOf = ({ expires }: Grant): number =>
  expires === undefined
    ? Number.POSITIVE_INFINITY
    : expires.includes('T')
      ? Date.parse(expires) / 1000
      : Date.parse(`${expires}T00:00:00Z`) / 1000 + 86_400;

/** The grants that allow a call, `public:things` among them; none: it is denied. */
export function allowing(model: Model, { subject, operation, networks, mfa, time, tenant }: Call): string[] {
  if (model.operations.some(({ name, open }) => name === operation && open)) return ['public:things'];
  if (!isActive(model, subject)) return [];
  return heldBy(model, subject)
    .filter(
      (one) =>
        one.operations.includes(operation) &&
        !one.suspended &&
        time < endOf(one) &&
        (!one.mfa || mfa) &&
        (one.networks.length === 0 || one.networks.some((name) => networks.includes(name))) &&
        (one.tenants.length === 0 || one.tenants.includes(tenant)),
    )
    .map(({ id }) => id)
    .sort();
}

/** An address as a number of 128 bits; one of IPv4 is the one that is mapped into IPv6. Null for none. */
function numberOf(address: string): bigint | null {
  const dotted = /^(.*:)?(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(address);
  const four = dotted?.slice(2).reduce((sum, part) => sum * 256n + BigInt(part), 0n);
  if (dotted !== null && four !== undefined && dotted[1] === undefined) return (0xffffn << 32n) | four;
  const text =
    four === undefined
      ? address
      : `${dotted?.[1]}${(four >> 16n).toString(16)}:${(four & 0xffffn).toString(16)}`;
  if (!text.includes(':')) return null;
  const [left = [], right] = text.split('::').map((half) => half.split(':').filter((part) => part !== ''));
  const rest = right ?? [];
  const words = [...left, ...Array<string>(8 - left.length - rest.length).fill('0'), ...rest];
  return words.reduce((sum, word) => sum * 65_536n + BigInt(`0x${word}`), 0n);
}

export function networksOf({ networks }: Model, address: string): string[] {
  const at = numberOf(address);
  const isIn = (block: string) => {
    const [base = '', bits = ''] = block.split('/');
    const rest = BigInt((base.includes(':') ? 128 : 32) - Number(bits));
    const around = numberOf(base);
    return at !== null && around !== null && at >> rest === around >> rest;
  };
  return Object.keys(networks)
    .filter((name) => networks[name]?.some(isIn))
    .sort();
}
