import type { Detector, Recommendation } from '../../../bundle/grants/names.ts';
import { daysAgo } from '../_review.ts';
import {
  logged,
  margin,
  type Organisation,
  operationsOf,
  type Person,
  plant,
  type Since,
  thresholds,
  use,
  usedOnce,
  type Wanted,
} from './_planted.ts';

const report = (detector: Detector, action: string) => ({ truth: { detector, action } });
const admin = (...more: string[]) => ['role: admin', ...more].filter((line) => line !== '').join('\n');
const granted = (days: number) => `granted: ${daysAgo(days)}`;
const keep = (at: number, until?: number) =>
  `review: { decision: keep, by: "group:desk", at: ${daysAgo(at)}, reason: r${until === undefined ? '' : `, until: ${daysAgo(until)}`} }`;
const second = 1 / 86_400;
const gone = (days: number) =>
  [
    [40, {}],
    [days, null],
  ] as const;

/** Both sides of each detector's criterion. */
export const cases: Readonly<Record<Exclude<Detector, Recommendation>, (into: Organisation) => void>> = {
  expired(into) {
    const { draw } = into;
    const past = () => `expires: ${daysAgo(margin(draw, 9) - second)}`;
    plant(into, { rest: admin(past()), ...report('expired', 'delete') });
    plant(into, { rest: admin(past(), 'state: suspended'), ...report('expired', 'delete') });
    plant(into, {
      rest: admin(past()),
      person: [[40, { status: 'deprovisioned' }]],
      ...report('expired', 'delete'),
    });
    plant(into, { rest: admin(past()), ...report('expired', 'delete') }, true);
    plant(into, { rest: admin(`expires: ${daysAgo(-15)}`) });
  },
  expiring(into) {
    const { draw } = into;
    plant(into, { rest: admin(`expires: ${daysAgo(-14)}`), ...report('expiring', 'renew') });
    plant(into, { rest: admin(`expires: ${daysAgo(-margin(draw, 12))}`), ...report('expiring', 'renew') });
    plant(into, { rest: admin(`expires: ${daysAgo(-14 - margin(draw))}`) });
    plant(into, {
      rest: [
        [40, admin(`expires: ${daysAgo(-3)}`)],
        [1.3, admin(`expires: ${daysAgo(-3)}`, 'state: suspended')],
      ],
    });
  },
  'orphan-disabled'(into) {
    const status = (status: string) => [[40, { status }]] as const;
    plant(into, { person: status('suspended'), ...report('orphan-disabled', 'suspend') });
    plant(into, { person: status('deprovisioned'), ...report('orphan-disabled', 'revoke') });
    plant(
      into,
      {
        person: status('deprovisioned'),
        rest: admin('cadence: break-glass'),
        ...report('orphan-disabled', 'revoke'),
      },
      true,
    );
    into.services.set('off', [[40, { owner: 'group:desk', state: 'disabled' }]]);
    plant(into, { principal: 'service:off', ...report('orphan-disabled', 'suspend') });
    into.services.set('on', [[40, { owner: 'group:desk' }]]);
    plant(into, { principal: 'service:on' });
    plant(into, {
      person: status('suspended'),
      rest: [
        [40, admin()],
        [1.3, admin('state: suspended')],
      ],
    });
    // It came back.
    plant(into, {
      person: [
        [40, { status: 'suspended' }],
        [1.3, {}],
      ],
    });
    into.people.push({ login: 'paused@example.com', provider: 'okta', is: status('suspended') });
    into.groups.set('mixed', [[40, ['user:paused@example.com', 'user:chief@example.com']]]);
    plant(into, { principal: 'group:mixed' });
  },
  'orphan-missing'(into) {
    const truth = report('orphan-missing', 'revoke');
    plant(into, { person: gone(1.3), ...truth });
    plant(into, { person: gone(5), rest: admin(keep(3, -9)), ...truth });
    into.groups.set('dissolved', [
      [40, ['user:chief@example.com']],
      [1.3, null],
    ]);
    const unproved = 'recertify';
    plant(into, { principal: 'group:dissolved', ...truth, unproved });
    // One that tokens bring all the same is asked about, once; whom none ever knew and tokens bring is not missed.
    const of = (name: string) => ({ principal: `group:${name}`, groups: [`group:${name}`, 'group:other'] });
    into.groups.set('by-tokens', [
      [40, ['user:chief@example.com']],
      [1.3, null],
    ]);
    plant(into, { ...of('by-tokens'), ...report('orphan-missing', 'recertify') });
    plant(into, { ...of('by-tokens'), rest: admin(keep(1)) });
    plant(into, of('only-by-tokens'));
    plant(into, { principal: 'user:contractor@example.com', groups: [] });
    plant(into, { principal: 'user:freelancer@example.com', groups: [], rest: [[12, admin()]] });
    // Who comes every few days has not come yet since it was lost; longer ago than any use counts tells nothing.
    for (const [days, truly] of [
      [1.5, report('orphan-missing', 'recertify')],
      [6, { ...truth, unproved, also: ['never-used', 'dormant'] as const }],
    ] as const) {
      into.groups.set(`no-tokens-for-${days}`, [
        [40, ['user:chief@example.com']],
        [1.3, null],
      ]);
      const before = plant(into, { principal: `group:no-tokens-for-${days}`, ...truly }, true);
      usedOnce(into, before, days, { groups: [before.principal] });
    }
    const never = ['never-used', 'dormant'] as const;
    plant(into, { principal: 'user:nobody@example.com', ...truth, unproved, also: never }, true);
    plant(into, { person: gone(5), groups: [], ...truth });
    // Nobody was missing before there was anything to have.
    plant(into, { principal: 'user:hired@example.com', rest: [[0.9, admin()]] });
    plant(into, {
      person: [
        [40, { id: 'first' }],
        [1.3, { id: 'second' }],
      ],
      ...truth,
    });
    // One sync without, two that lie too near each other, back again, known elsewhere, another person before the grant.
    plant(into, { person: gone(0.2) });
    plant(into, { provider: 'entra', person: gone(0.9) });
    plant(into, {
      person: [
        [40, {}],
        [5, null],
        [0.2, {}],
      ],
    });
    const moved = plant(into, { person: gone(5) });
    into.people.push({ login: moved.principal.slice(5), provider: 'entra', is: [[0.9, {}]] });
    plant(into, {
      person: [
        [40, { id: 'first' }],
        [5, { id: 'second' }],
      ],
      rest: admin(granted(4.5)),
    });
  },
  'never-used'(into) {
    const { draw } = into;
    const truth = { ...report('never-used', 'revoke'), also: ['dormant'] as const };
    const days = thresholds.never_used.days;
    plant(into, { rest: admin(granted(days)), ...truth }, true);
    plant(into, { rest: admin(granted(days + margin(draw, logged - 2.1))), ...truth }, true);
    const refused = plant(into, { rest: admin(granted(days + 1)), ...truth }, true);
    usedOnce(into, refused, 1, { allow: false, status: 403 });
    usedOnce(into, refused, 1, { status: 429 });
    plant(into, { rest: admin(granted(5), keep(4.5, margin(draw))), ...truth }, true);
    plant(into, { rest: admin(granted(days - margin(draw))) }, true);
    const failed = plant(into, { rest: admin(granted(days + 1)) }, true);
    usedOnce(into, failed, margin(draw, days), { status: 502 });
    plant(into, { rest: admin(granted(5), 'cadence: break-glass') }, true);
    plant(into, { rest: admin(granted(5), 'cadence: monthly') }, true);
    plant(into, { rest: admin(granted(5), keep(4.5, -margin(draw))) }, true);
    plant(
      into,
      {
        rest: [
          [40, `role: reader\n${granted(6)}`],
          [1.3, admin(granted(6))],
        ],
      },
      true,
    );
    plant(
      into,
      {
        rest: [
          [40, admin(granted(6))],
          [12, null],
          [2 - into.late, admin(granted(6))],
        ],
      },
      true,
    );
    plant(
      into,
      {
        rest: [
          [40, `role: reader\n${granted(6)}`],
          [2 + into.late, admin(granted(6))],
        ],
        ...truth,
      },
      true,
    );
    const paused = (name: string, back: number) =>
      into.services.set(name, [
        [40, { owner: 'group:desk' }],
        [12, { owner: 'group:desk', state: 'disabled' }],
        [back, { owner: 'group:desk' }],
      ]);
    paused('back-lately', 2 - into.late);
    paused('back-for-long', 2 + into.late);
    into.groups.set('of-back-lately', [[40, ['service:back-lately']]]);
    into.groups.set('around-back-lately', [[40, ['group:of-back-lately']]]);
    plant(into, { principal: 'service:back-lately' }, true);
    plant(into, { principal: 'group:of-back-lately' }, true);
    plant(into, { principal: 'group:around-back-lately' }, true);
    plant(into, { principal: 'service:back-for-long', ...report('never-used', 'revoke') }, true);
  },
  dormant(into) {
    const { draw, late } = into;
    const truth = report('dormant', 'suspend');
    for (const [api, days] of [
      ['medium-api', thresholds.dormant.days],
      ['critical-api', thresholds.dormant.days_high],
    ] as const) {
      usedOnce(into, plant(into, { api, ...truth }, true), days + margin(draw, 2));
      usedOnce(into, plant(into, { api, rest: admin(granted(days + 1)), ...truth }, true), days + 0.5);
      usedOnce(into, plant(into, { api }, true), days - margin(draw, days - 1));
      plant(into, { api, rest: admin(granted(10)), ...truth, also: ['never-used'] }, true);
    }
    const paused = (at: number, more: string[] = []) =>
      [
        [40, admin(...more)],
        [at, admin('state: suspended', ...more)],
      ] as const;
    plant(into, { rest: paused(2 + late), ...report('dormant', 'revoke') });
    plant(into, { rest: paused(2 - late) });
    // Nobody misses it while the account pauses too, nor has had the time since.
    plant(into, { rest: paused(5), person: [[40, { status: 'suspended' }]] });
    plant(into, {
      rest: paused(5),
      person: [
        [40, { status: 'suspended' }],
        [1.3, {}],
      ],
    });
    plant(into, { rest: [...paused(5), [2 - late, admin()]] }, true);
    usedOnce(
      into,
      plant(
        into,
        {
          rest: [
            [40, 'role: reader'],
            [2 - late, admin()],
          ],
        },
        true,
      ),
      6,
    );
    plant(into, { rest: admin('cadence: quarterly') }, true);
  },
  'over-privileged'(into) {
    const { draw } = into;
    const { days, allows, days_used: daysUsed } = thresholds.over_privileged;
    const truth = report('over-privileged', 'narrow');
    const narrowly = (fewer: number, more: Wanted, onDays = 6) => {
      const grant = plant(into, more, true);
      const all = operationsOf(into, grant);
      // So many unused are needed.
      const unused = Math.max(2, Math.ceil(all.length / 2)) - fewer;
      use(into, grant, all.slice(0, all.length - unused), onDays);
      return grant;
    };
    narrowly(0, truth);
    narrowly(1, {});
    narrowly(0, { rest: admin(granted(days)), ...truth });
    narrowly(0, { rest: admin(granted(days - margin(draw))) }, 2);
    narrowly(0, { rest: admin(keep(5, -3)) });
    const all = into.apis.get('low-api')?.operations ?? [];
    narrowly(0, { api: 'low-api', rest: `operations: [${all.join(', ')}]`, ...truth });
    const spread = (count: number, on: number, more = {}) => {
      const grant = plant(into, more, true);
      for (let i = 0; i < count; i += 1) usedOnce(into, grant, (i % on) + 0.1 + i / 1000);
    };
    spread(allows, daysUsed, truth);
    spread(allows - 1, daysUsed);
    spread(allows + 9, daysUsed - 1);
  },
  redundant(into) {
    const { draw } = into;
    const truth = report('redundant', 'delete');
    const pair = (one: string, other: string, redundant: boolean, alone = false, left: Wanted = {}) => {
      const stays = plant(into, { rest: admin(granted(20), other), ...left }, true);
      const goes = plant(
        into,
        {
          api: stays.api,
          principal: stays.principal,
          rest: admin(granted(10), one),
          ...(redundant && truth),
        },
        true,
      );
      use(into, goes, operationsOf(into, goes), 6, [stays.id]);
      use(into, stays, operationsOf(into, stays), 3);
      if (alone) usedOnce(into, goes, 0.3 + draw.next() * 2);
    };
    const end = -15 - draw.below(20);
    const expires = (days: number) => `expires: ${daysAgo(days)}`;
    pair('', '', true);
    pair('conditions: { mfa: true }', '', true);
    pair('conditions: { mfa: true }', 'conditions: { mfa: true }', true);
    pair(expires(end), expires(end), true);
    pair('', '', false, true);
    pair('', 'conditions: { mfa: true }', false);
    pair(expires(end - margin(draw)), expires(end), false);
    pair('', expires(end), false);
    pair('', expires(1), false, false, { ...report('expired', 'delete') });
    const first = plant(into, { rest: admin(granted(20)) }, true);
    const { api, principal } = first;
    const mutual = plant(into, { api, principal, rest: admin(granted(10)), ...truth }, true);
    use(into, first, operationsOf(into, first), 6, [mutual.id]);
    pair('conditions: { networks: [office] }', 'conditions: { networks: [office, home] }', true);
    pair('conditions: { networks: [office, home] }', 'conditions: { networks: [office] }', false);
  },
  ownerless(into) {
    const person = (login: string, is: Since<Person>) => into.people.push({ login, provider: 'okta', is });
    person('left-lately@example.com', [
      [40, {}],
      [5, { status: 'suspended' }],
    ]);
    person('left-long-ago@example.com', [
      [40, {}],
      [12, { status: 'deprovisioned' }],
    ]);
    person('came-back@example.com', [
      [40, {}],
      [12, { status: 'suspended' }],
      [5, {}],
    ]);
    into.groups.set('empty-lately', [[40, ['user:left-lately@example.com']]]);
    into.groups.set('nested', [[40, ['group:desk', 'user:left-long-ago@example.com']]]);
    into.services.set('unowned', [[40, { owner: 'user:left-long-ago@example.com' }]]);
    into.services.set('unowned-lately', [
      [40, { owner: 'group:desk' }],
      [5, { owner: 'user:left-long-ago@example.com' }],
    ]);
    into.groups.set('of-strangers', [[40, ['user:stranger@example.com']]]);
    const truth = (action: string) => report('ownerless', action);
    plant(into, { owner: 'user:left-lately@example.com', ...truth('reassign') });
    plant(into, { owner: 'group:empty-lately', ...truth('reassign') });
    plant(into, { owner: 'user:left-long-ago@example.com', ...truth('revoke') });
    plant(into, { owner: 'user:left-long-ago@example.com', rest: admin(granted(8)), ...truth('reassign') });
    plant(into, { principal: 'service:unowned', ...truth('revoke') });
    plant(into, { principal: 'service:unowned-lately', ...truth('reassign') });
    // Whom no directory can tell of is asked about, however long.
    plant(into, { owner: 'group:of-tokens', ...truth('reassign') });
    into.groups.set('other', [
      [40, ['user:chief@example.com']],
      [12, null],
    ]);
    plant(into, { owner: 'group:other', ...truth('reassign') });
    plant(into, { owner: 'group:of-strangers', ...truth('reassign') });
    plant(into, { owner: 'user:stranger@example.com', ...truth('reassign') });
    plant(into, { owner: 'user:came-back@example.com' });
    plant(into, { owner: 'group:nested' });
    plant(into, {
      owner: 'user:left-long-ago@example.com',
      rest: [
        [40, admin()],
        [1.3, admin('state: suspended')],
      ],
    });
  },
  'separation-of-duties'(into) {
    const { draw } = into;
    into.duties.push({ name: 'pay-and-approve', api: 'duties', left: 'pay', right: 'approve' });
    const gives = (operations: string, days: number, more: Wanted = {}, ...lines: string[]) => {
      const rest = `operations: [${operations}]\n${[granted(days), ...lines].join('\n')}`;
      const grant = plant(into, { api: 'duties', rest, ...more }, true);
      use(into, grant, operations.split(', '));
      return grant;
    };
    const truth = (action: string) => report('separation-of-duties', action);
    const [early, later] = [20 + draw.below(9), 10 + draw.below(9)];
    const { principal } = gives('look, pay', early);
    gives('look, approve', later, { principal, ...truth('narrow') });
    const two = gives('approve', early);
    gives('pay', later, { principal: two.principal, ...truth('revoke') });
    gives('look, pay, approve', early, truth('narrow'));
    const three = gives('pay', early);
    into.groups.set('approvers', [[40, [three.principal, 'user:chief@example.com']]]);
    gives('approve', later, { principal: 'group:approvers', ...truth('revoke') });
    gives('pay', early);
    gives('approve', later);
    const four = gives('pay', early);
    gives('approve', later, {
      principal: four.principal,
      rest: [
        [40, `operations: [approve]`],
        [1.3, 'operations: [approve]\nstate: suspended'],
      ],
    });
    const five = gives('pay', early);
    gives('approve', later, { principal: five.principal }, 'cadence: break-glass');
  },
  mover(into) {
    const truth = report('mover', 'recertify');
    const boss = (manager: string) => ({ manager });
    plant(into, {
      person: [
        [40, boss('old@example.com')],
        [5, boss('new@example.com')],
      ],
      ...truth,
    });
    const team = (name: string, is: Since<readonly string[]>) => into.groups.set(name, is);
    const chief = 'user:chief@example.com';
    const moving = (name: string, at: number, back?: number) => {
      const login = `${name}@example.com`;
      into.people.push({ login, provider: 'okta', is: [[40, {}]] });
      const left = [
        [40, [chief, `user:${login}`]],
        [at, [chief]],
      ] as const;
      team(`of-${name}`, back === undefined ? left : [...left, [back, [chief, `user:${login}`]]]);
      return `user:${login}`;
    };
    plant(into, { principal: moving('mover-one', 1.3), ...truth });
    plant(into, { principal: moving('mover-two', 5), rest: admin(keep(8)), ...truth });
    plant(into, { principal: moving('mover-three', 12), rest: admin(keep(8)) });
    plant(into, { principal: moving('mover-four', 5, 1.3) });
    plant(into, { principal: moving('mover-five', 5), rest: admin(keep(8, -5)) });
    plant(into, {
      person: [
        [40, boss('old@example.com')],
        [12, boss('new@example.com')],
        [1.3, boss('old@example.com')],
      ],
    });
  },
  growth(into) {
    const { draw } = into;
    const people = (name: string, count: number) =>
      Array.from({ length: count }, (_, i) => {
        const login = `${name}-${i}@example.com`;
        into.people.push({ login, provider: 'okta', is: [[40, {}]] });
        return `user:${login}`;
      });
    const growing = (before: number, after: number, more: Wanted = {}, at = 1.3) => {
      const name = `team-${into.planted.length}`;
      const all = people(name, after);
      into.groups.set(name, [
        [40, all.slice(0, before)],
        [at, all],
      ]);
      plant(into, { principal: `group:${name}`, ...more });
    };
    const truth = report('growth', 'recertify');
    const size = 2 + draw.below(8);
    growing(size, Math.ceil(size * 1.5), truth);
    growing(size, Math.ceil(size * 1.5) - 1);
    growing(60, 85, truth);
    growing(60, 84);
    growing(size, size * 2, { rest: admin(keep(4)) }, 5);
    growing(size, size * 2, { rest: admin(keep(4, -4)) }, 1.3);
    growing(size, size * 2, { rest: admin(keep(8)), ...truth }, 5);
  },
  'high-access'(into) {
    const { draw } = into;
    const truth = report('high-access', 'recertify');
    for (const [api, days] of [
      ['high-api', 90],
      ['critical-api', 90],
      ['low-api', 180],
      ['medium-api', 180],
    ] as const) {
      plant(into, { api, rest: admin(granted(days)), ...truth });
      plant(into, { api, rest: admin(granted(400), keep(days + margin(draw, 30))), ...truth });
      plant(into, { api, rest: admin(granted(days - margin(draw, 40))) });
      plant(into, { api, rest: admin(granted(400), keep(days - margin(draw, 40))) });
      plant(into, { api, rest: admin(granted(400), keep(300, -30)) });
    }
  },
};
