import { grantLine } from '../bundle/access/grantLine.ts';
import type { GrantLine } from '../bundle/data/grantLine.ts';
import { dayMs } from '../bundle/format/times.ts';
import type { Grant, Organisation } from '../bundle/grants/organisation.ts';
import type { DecisionInput, DecisionResult } from '../gateway/decision/decisionInput.ts';
import { type Random, random } from './random.ts';
import { referenceDecision } from './referenceDecision.ts';
import { never, type Use, usagePlan } from './usagePlan.ts';

/** One request of the past and how it was decided. */
export type PastRequest = {
  /** Milliseconds since 1970. */
  at: number;
  input: DecisionInput;
  result: DecisionResult;
  /** Allowed, and then refused for its rate. */
  limited: boolean;
};

type Dated = { from: number; line: GrantLine };
type Wish = {
  at: number;
  subject: string;
  api: string;
  operation: string;
  networks: readonly string[];
  mfa: boolean;
};

const hourMs = 3_600_000;
const stranger = 'user:temp.summer@northwind.example';

/**
 * Makes the requests of a day (its first ms) in the order of time: those by which `usagePlan` has the grants used, and
 * some that are denied. Each is decided by the grants as they stood then, so whatever other grants also allowed it are
 * in its record too. The same organisation, seed, today and day give the same requests.
 */
export function pastRequests(
  organisation: Organisation,
  { seed, today }: { seed: string; today: number },
): (day: number) => PastRequest[] {
  const { apis, grants, people, services, memberships } = organisation;
  const members = membersOf(organisation);
  const lines = new Map<string, Dated[]>();
  for (const grant of grants) {
    const key = `${grant.api} ${grant.principal}`;
    const held = lines.get(key) ?? [];
    held.push({ from: grant.grantedAt, line: grantLine(grant) });
    lines.set(key, held);
  }

  /** People whose account is closed today worked until they last signed in. */
  const activeAt = (subject: string, at: number): boolean | undefined => {
    const person = people.get(subject.replace(/^user:/, ''));
    if (subject.startsWith('service:')) return services.get(subject.slice(8))?.state === 'active';
    if (person === undefined) return undefined;
    return person.status === 'active' || at <= Date.parse(person.last_sign_in ?? '');
  };

  const decided = ({ at, subject, api, operation, networks, mfa }: Wish): PastRequest => {
    const [method = '', path = ''] = (apis.get(api)?.operations.get(operation) ?? '').split(' ');
    const time = Math.floor(at / 1000);
    const groups = memberships.get(subject) ?? [];
    const input = { subject, groups, api, operation, method, path, networks, mfa, time };
    const active = activeAt(subject, at);
    const result = referenceDecision(input, {
      principal: active === undefined ? undefined : { active, groups },
      grantsOf: (principal) =>
        (lines.get(`${api} ${principal}`) ?? []).filter(({ from }) => from <= time).map(({ line }) => line),
    });
    return { at, input, result, limited: false };
  };

  const usesOf = (grant: Grant, day: number): PastRequest[] => {
    const back = Math.round((today - day) / dayMs);
    const use: Use | typeof never = usagePlan[grant.id] ?? {};
    if (use === never || back < (use.until ?? 0) || (use.days && !use.days.includes(back))) return [];
    const draw = random(`${seed} ${grant.id} ${day}`);
    const operations = use.operations ?? grant.covers;
    const service = grant.principal.startsWith('service:');
    const weekday = new Date(day).getUTCDay();
    const mean = use.perDay ?? (service ? 20 : grant.principal.startsWith('group:') ? 9 : 4);
    const rhythm = use.days ? 1 : weekday % 6 !== 0 ? 1 : service ? 0.7 : 0;
    const wanted = Array.from({ length: Math.round(mean * rhythm * (0.6 + 0.8 * draw.next())) }, () =>
      byFrequency(operations, apis.get(grant.api)?.operations, draw),
    );
    // Tuesdays see every operation once, so that none of a healthy grant looks unused.
    if (weekday === 2 || use.days) wanted.push(...operations);
    return wanted.flatMap((operation) => {
      const at = day + timeOfDay(grant, draw);
      const able = members(grant.principal).filter((name) => activeAt(name, at));
      const subject = able.length === 0 ? undefined : draw.pick(able);
      if (
        subject === undefined ||
        at < grant.grantedAt * 1000 ||
        (grant.expiresAt !== null && at >= grant.expiresAt * 1000)
      )
        return [];
      const place = usualPlace(subject, grant, draw);
      const request = decided({ at, subject, api: grant.api, operation, ...place });
      return [{ ...request, limited: service && request.result.allow && draw.chance(0.001) }];
    });
  };

  const denialsOf = (day: number): PastRequest[] => {
    const draw = random(`${seed} denials ${day}`);
    const wishes: Wish[] = [];
    const wish = (subject: string, api: string, operation: string) =>
      wishes.push({ at: day + office(draw), subject, api, operation, networks: [], mfa: false });
    const busy = new Date(day).getUTCDay() % 6 === 0 ? 4 : 22;
    for (let i = 0; i < busy; i += 1) {
      const api = draw.pick([...apis.values()]);
      const subject = draw.chance(0.03) ? stranger : `user:${draw.pick([...people.keys()])}`;
      wish(subject, api.name, draw.pick([...api.operations.keys()]));
      const guarded = draw.pick(grants.filter(({ conditions }) => conditions !== undefined));
      if (draw.chance(0.15))
        wish(draw.pick(members(guarded.principal)), guarded.api, draw.pick(guarded.covers));
    }
    // People notice that their grant has expired.
    for (const { principal, api, covers, expiresAt } of grants)
      if (expiresAt !== null && day >= expiresAt * 1000 && day < expiresAt * 1000 + 4 * dayMs)
        wish(draw.pick(members(principal)), api, draw.pick(covers));
    // What chance would have allowed was no denial, and must not become use.
    return wishes.map(decided).filter(({ result }) => !result.allow);
  };

  return (day) =>
    [...grants.flatMap((grant) => usesOf(grant, day)), ...denialsOf(day)].sort((a, b) => a.at - b.at);
}

/** The people and services a principal stands for. */
function membersOf({ memberships }: Organisation): (principal: string) => readonly string[] {
  const members = new Map<string, string[]>();
  for (const [name, groups] of memberships)
    for (const group of groups) members.set(group, [...(members.get(group) ?? []), name]);
  // Services have grants of their own; people do a group's work.
  const people = (group: string) =>
    (members.get(group) ?? []).filter((name) => name.startsWith('user:')).sort();
  const cached = new Map([...members.keys()].map((group) => [group, people(group)]));
  return (principal) => cached.get(principal) ?? [principal];
}

/** Reading is common, writing less so, deleting rare. */
function byFrequency(
  names: readonly string[],
  operations: ReadonlyMap<string, string> | undefined,
  draw: Random,
): string {
  const weight = (name: string) => {
    const method = operations?.get(name)?.split(' ')[0];
    return method === 'GET' ? 8 : method === 'DELETE' ? 1 : 3;
  };
  let left = draw.next() * names.reduce((sum, name) => sum + weight(name), 0);
  for (const name of names) {
    left -= weight(name);
    if (left < 0) return name;
  }
  return draw.pick(names);
}

/** Milliseconds into the day: two humps with lunch between them. */
function office(draw: Random): number {
  const hump = draw.chance(0.55) ? 9.5 : 14.5;
  return Math.floor((hump + (draw.next() + draw.next() + draw.next() - 1.5) * 1.8) * hourMs);
}

function timeOfDay({ principal, cadence }: Grant, draw: Random): number {
  if (!principal.startsWith('service:')) return office(draw);
  if (cadence === 'daily') return Math.floor((1 + 2 * draw.next()) * hourMs);
  // Shops and carriers never sleep, but most of it is between morning and evening.
  return Math.floor((draw.chance(0.8) ? 6 + 15 * draw.next() : 24 * draw.next()) * hourMs);
}

/** Where the subject calls from, and whether with a second factor: as it likes, but meeting the grant's conditions. */
function usualPlace(subject: string, { conditions }: Grant, draw: Random): Pick<Wish, 'networks' | 'mfa'> {
  const service = subject.startsWith('service:');
  const usual = service ? 'datacenter' : draw.pick(['office', 'office', 'office', 'vpn', '']);
  const required = conditions?.networks;
  const network = required && !required.includes(usual) ? (required[0] ?? '') : usual;
  return {
    networks: network === '' ? [] : [network],
    mfa: conditions?.mfa === true || (!service && draw.chance(0.6)),
  };
}
