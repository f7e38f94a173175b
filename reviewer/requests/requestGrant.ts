import { isDeepStrictEqual } from 'node:util';
import { accountStatus } from '../../bundle/access/accountStatus.ts';
import { peopleBehind } from '../../bundle/access/peopleBehind.ts';
import type { Change } from '../../bundle/diff/diffData.ts';
import { listed } from '../../bundle/format/counted.ts';
import { daySeconds, instantOf } from '../../bundle/format/times.ts';
import type { Tree } from '../../bundle/git/tree.ts';
import { endOf, isLive } from '../../bundle/grants/dates.ts';
import { fold } from '../../bundle/grants/names.ts';
import type { Api, Organisation } from '../../bundle/grants/organisation.ts';
import { accessFile, type GrantEntry } from '../../bundle/grants/schema.ts';
import { nearMiss } from '../../bundle/yaml/nearMiss.ts';
import { parseYaml } from '../../bundle/yaml/parseYaml.ts';
import { type Narrowed, narrow } from '../edit/narrow.ts';
import { scalar } from '../edit/setField.ts';
import { effectOf, type Texts } from '../proposal/effectOf.ts';
import { ReviewError } from '../reviewError.ts';

/** What somebody asks for. Texts are as they came: nothing of them is checked yet. */
export type GrantRequest = {
  /** Who is to have it: `user:LOGIN`, `group:NAME` or `service:NAME`. */
  principal: string;
  api: string;
  /** What is needed: a role, or operations. */
  needs: { role: string } | { operations: readonly string[] };
  /** Its end, a date or an instant. */
  until: string;
  reason: string;
  ticket?: string;
  /** Who answers for it in reviews; the owner of the API, when left out. */
  owner?: string;
  /** It is to hold at once, before anybody has approved it. */
  emergency: boolean;
};

export type Requested = {
  entry: GrantEntry;
  file: string;
  /** The files that change, whole. */
  texts: Texts;
  changes: readonly Change[];
  /** Who answers for the API, and the people behind it that may approve: nobody approves access of their own. */
  approvers: { owner: string; people: readonly string[] };
  /** The smallest role that holds the operations which were asked for, where they are no role themselves. */
  role: { name: string; also: readonly string[] } | null;
};

const refused = (what: string) => new ReviewError('request-refused', what);

/**
 * Makes the grant that a request comes to, in a file of its own: nothing that is asked for at the same time collides
 * with it. `asOf`: seconds since 1970. Throws ReviewError `request-refused`, `grants-invalid`, and what reading the tree
 * throws.
 */
export async function requestGrant(
  { tree, organisation }: { tree: Tree; organisation: Organisation },
  request: GrantRequest,
  asOf: number,
): Promise<Requested> {
  const api = apiOf(request, organisation);
  const principal = knownPrincipal(request.principal, organisation);
  const { to, role } = smallest(request, api);
  assertEnd(request, organisation, asOf);
  if (request.emergency) assertEmergency({ principal, api, until: request.until }, organisation, asOf);

  const id = freeId(request, principal, organisation, asOf);
  const owner = request.owner ?? api.owner;
  const entry: Record<string, unknown> = {
    id,
    principal,
    api: api.name,
    ...to,
    reason: request.reason,
    ...(request.ticket !== undefined && { ticket: request.ticket }),
    owner,
    granted: instantOf(asOf),
    expires: request.until,
  };
  const file = `grants/access/${api.name}/${id}.yaml`;
  const text = render(entry);
  const read = accessFile.safeParse(parseYaml(text, file).value);
  const [made] = read.data ?? [];
  if (made === undefined)
    throw refused(`what was asked for makes no grant: ${read.error?.issues[0]?.message}`);
  const texts = new Map([[file, text]]);
  const changes = await effectOf(tree, texts, asOf);
  if (changes.length === 0) throw refused(whyNothing(principal, made, organisation, asOf));
  const people = peopleBehind(api.owner, organisation).filter((one) => fold(one) !== fold(principal));
  return { entry: made, file, texts, changes, approvers: { owner: api.owner, people }, role };
}

/** Why a grant would give nobody anything. */
function whyNothing(
  principal: string,
  { api, role, operations }: GrantEntry,
  organisation: Organisation,
  asOf: number,
): string {
  const { roles, public: open = [] } = organisation.apis.get(api) ?? { roles: new Map() };
  const asked: readonly string[] = operations ?? roles.get(role ?? '') ?? [];
  if (asked.every((operation) => open.includes(operation)))
    return `anybody may call ${listed(asked)} of ${api} without a grant`;
  const status = accountStatus(principal, organisation);
  if (!principal.startsWith('group:') && status !== 'active')
    return `the account of ${principal} is ${status ?? 'unknown'} in the directory, so nothing can be given to it`;
  const groups = organisation.memberships.get(principal) ?? [];
  const held = organisation.grants.filter(
    (grant) =>
      grant.api === api &&
      isLive(grant, asOf) &&
      (grant.principal === principal || groups.includes(grant.principal)),
  );
  return held.length === 0
    ? `everybody active in ${principal} has that access already, if anybody is`
    : `${principal} has that access already, by ${listed(held.map(({ id }) => id))}`;
}

function apiOf({ api }: GrantRequest, { apis }: Organisation): Api {
  const found = apis.get(api);
  if (found === undefined)
    throw refused(`there is no API ${JSON.stringify(api)}${nearMiss(api, apis.keys())}`);
  return found;
}

/** As the directory spells it. */
function knownPrincipal(asked: string, { people, groups, services }: Organisation): string {
  const [kind, name] = [asked.slice(0, asked.indexOf(':')), asked.slice(asked.indexOf(':') + 1)];
  const known = new Map<string, ReadonlyMap<string, unknown>>([
    ['user', people],
    ['group', groups],
    ['service', services],
  ]).get(kind);
  if (known === undefined || name === '')
    throw refused(`who is to have it must be user:LOGIN, group:NAME or service:NAME, got "${asked}"`);
  const spelled = [...known.keys()].find((one) => fold(one) === fold(name));
  if (spelled === undefined) throw refused(`no directory knows ${asked}${nearMiss(name, known.keys())}`);
  return `${kind}:${spelled}`;
}

/** A role where one holds just what is needed, else the operations; and the smallest role that would hold them too. */
function smallest({ needs }: GrantRequest, api: Api): { to: Narrowed; role: Requested['role'] } {
  if ('role' in needs) {
    if (!api.roles.has(needs.role))
      throw refused(
        `${api.name} has no role ${JSON.stringify(needs.role)}${nearMiss(needs.role, api.roles.keys())}: ${[...api.roles.keys()].join(', ') || 'it has none'}`,
      );
    return { to: needs, role: null };
  }
  const wanted = [...new Set(needs.operations)].sort();
  if (wanted.length === 0) throw refused('no operation is asked for, and no role');
  for (const operation of wanted)
    if (!api.operations.has(operation))
      throw refused(
        `${api.name} has no operation ${JSON.stringify(operation)}${nearMiss(operation, api.operations.keys())}`,
      );
  const exact = [...api.roles].find(([, operations]) => isDeepStrictEqual(operations, wanted));
  if (exact !== undefined) return { to: { role: exact[0] }, role: null };
  const found = narrow([...api.operations.keys(), ''], wanted, api.roles);
  if (!('role' in found)) return { to: { operations: wanted }, role: null };
  const also = (api.roles.get(found.role) ?? []).filter((operation) => !wanted.includes(operation));
  return { to: { operations: wanted }, role: { name: found.role, also } };
}

function assertEnd({ until }: GrantRequest, { review }: Organisation, asOf: number): void {
  const end = endOf(until);
  if (end <= asOf) throw refused(`its end, ${until}, has passed`);
  // A date lasts until its night.
  if (end > asOf + (review.requests.longest_days + 1) * daySeconds)
    throw refused(
      `its end, ${until}, is more than ${review.requests.longest_days} days ahead (requests.longest_days in review.yaml)`,
    );
}

/** Who may take what at once, by review.yaml. */
function assertEmergency(
  { principal, api, until }: { principal: string; api: Api; until: string },
  { review, memberships }: Organisation,
  asOf: number,
): void {
  const { emergency } = review;
  const own = [principal, ...(memberships.get(principal) ?? [])].map(fold);
  if (!principal.startsWith('user:') || !emergency.principals.some((one) => own.includes(fold(one))))
    throw refused(`${principal} may not take access in an emergency (emergency.principals in review.yaml)`);
  if (!emergency.tiers.includes(api.tier))
    throw refused(
      `${api.name} is of tier ${api.tier}, which no emergency opens (emergency.tiers in review.yaml)`,
    );
  if (endOf(until) > asOf + emergency.hours * 3600)
    throw refused(
      `in an emergency access lasts ${emergency.hours} hours at most (emergency.hours in review.yaml)`,
    );
}

/** An id that says who, where and when, and that no grant has. */
function freeId(
  { needs, api, emergency }: GrantRequest,
  principal: string,
  { grants }: Organisation,
  asOf: number,
): string {
  const plain = (text: string, most: number) =>
    text
      .normalize('NFKD')
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, '-')
      .slice(0, most)
      .replace(/^-+|-+$/g, '') || 'x';
  const name = principal.slice(principal.indexOf(':') + 1).replace(/@.*$/, '');
  const what = emergency ? 'emergency' : 'role' in needs ? needs.role : (needs.operations[0] ?? '');
  const at = instantOf(asOf).replace(/[-:Z]/g, '').toLowerCase();
  const id = `${plain(api, 40)}-${plain(name, 30)}-${plain(what, 20)}-${at}`;
  const taken = new Set(grants.map((grant) => grant.id));
  for (let turn = 1; ; turn += 1) {
    const candidate = turn === 1 ? id : `${id}-${turn}`;
    if (!taken.has(candidate)) return candidate;
  }
}

function render(entry: Record<string, unknown>): string {
  const lines = Object.entries(entry).map(([key, value]) =>
    Array.isArray(value)
      ? `${key}: [${value.map((one) => scalar(String(one))).join(', ')}]`
      : `${key}: ${scalar(String(value))}`,
  );
  return `# yaml-language-server: $schema=../../schema/access.json\n- ${lines.join('\n  ')}\n`;
}
