import { z } from 'zod';
import { BundleError } from './bundleError.ts';
import type { Grant, Organisation } from './model.ts';

const result = z.strictObject({ allow: z.boolean(), grants: z.array(z.string()), reason: z.string() });

/** As a gateway reads an answer: one that allows must name its grants, one that denies names none. */
const answer = z
  .object({ allow: z.boolean(), grants: z.array(z.string()), reason: z.string() })
  .refine(({ allow, grants }) => !allow || grants.length > 0)
  .transform(({ allow, grants, reason }) => ({ allow, grants: allow ? grants : [], reason }));

/** The most that a bundle carries. */
const most = 50;
/** How many grants are asked about; up to three questions each, and one about nobody. */
const picks = 12;

/** A question with the answer it must get from a bundle; `time` in whole seconds since 1970. */
export const golden = z.strictObject({
  api: z.string(),
  expect: result,
  mfa: z.boolean(),
  networks: z.array(z.string()),
  operation: z.string(),
  subject: z.string(),
  time: z.int().min(0),
});

export const goldens = z.array(golden).max(most);

export type Golden = z.output<typeof golden>;
type Asked = Omit<Golden, 'expect'>;

/** Answers an input over a data document (both JSON values). */
export type Evaluate = (input: unknown, data: unknown) => unknown;

/**
 * Questions from all over an organisation and what the compiled policy answers to them, over data cut from the parsed
 * grants themselves and not from data.json: whoever finds, cuts and asks otherwise later must come to the same. `at` is
 * whole seconds since 1970. The same organisation gives the same ones. Throws BundleError `policy-invalid` when an
 * answer is no decision.
 */
export function goldenDecisions(organisation: Organisation, evaluate: Evaluate, at: number): Golden[] {
  const asked = questions(organisation, at).slice(0, most);
  const held = grantsOf(organisation, asked);
  return asked.map((question) => {
    const { subject, api, operation, mfa, networks, time } = question;
    const groups = organisation.memberships.get(subject) ?? [];
    const [method = '', path = ''] = organisation.apis.get(api)?.operations.get(operation)?.split(' ') ?? [];
    const input = { subject, groups, api, operation, method, path, networks, mfa, time };
    const granted = [subject, ...groups].flatMap((principal) => {
      const list = held.get(api)?.get(principal) ?? [];
      return list.length === 0 ? [] : [[principal, list.map(entryOf)] as const];
    });
    const active = activeOf(organisation, subject);
    const expect = answer.safeParse(
      evaluate(input, {
        grants: { [api]: Object.fromEntries(granted) },
        principals: active === null ? {} : { [subject]: { active, groups } },
      }),
    );
    if (!expect.success)
      throw new BundleError(
        'policy-invalid',
        'the policy does not answer {"allow":…,"grants":[…],"reason":…}',
      );
    return { ...question, expect: expect.data };
  });
}

function questions(organisation: Organisation, at: number): Asked[] {
  const { grants, apis } = organisation;
  const count = Math.min(picks, grants.length);
  const picked = Array.from(
    { length: count },
    (_, index) => grants[Math.floor((index * grants.length) / count)],
  );
  const members = memberOf(organisation, new Set(picked.map((grant) => grant?.principal ?? '')));
  const asked: Asked[] = [];
  for (const grant of picked) {
    const subject = grant === undefined ? undefined : members.get(grant.principal);
    if (grant === undefined || subject === undefined) continue;
    const { api, covers, conditions, expiresAt } = grant;
    const [operation = 'none'] = covers;
    const networks = [...(conditions?.networks ?? [])].sort();
    const wanted = { api, mfa: conditions?.mfa === true, networks, operation, subject, time: at };
    const other = [...(apis.get(api)?.operations.keys() ?? [])]
      .filter((name) => !covers.includes(name))
      .sort();
    asked.push(wanted);
    if (other[0] !== undefined) asked.push({ ...wanted, operation: other[0] });
    if (conditions !== undefined) asked.push({ ...wanted, mfa: false, networks: [] });
    else if (expiresAt !== null) asked.push({ ...wanted, time: expiresAt });
  }
  const [api] = apis.values();
  const operation = [...(api?.operations.keys() ?? [])].sort()[0];
  if (api !== undefined && operation !== undefined)
    asked.push({
      api: api.name,
      mfa: true,
      networks: [],
      operation,
      subject: 'user:nobody@grantgate',
      time: at,
    });
  return asked;
}

/** Somebody who holds what a principal was given: itself, or of a group a member, if possible an active one. */
function memberOf(organisation: Organisation, wanted: ReadonlySet<string>): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const principal of wanted) if (!principal.startsWith('group:')) found.set(principal, principal);
  const active = new Set<string>();
  for (const [subject, groups] of organisation.memberships)
    for (const group of groups) {
      if (!wanted.has(group) || active.has(group)) continue;
      const isActive = activeOf(organisation, subject) === true;
      if (isActive) active.add(group);
      if (isActive || !found.has(group)) found.set(group, subject);
    }
  return found;
}

/** API → principal → grants, of those who could matter to the questions. */
function grantsOf({ grants, memberships }: Organisation, asked: readonly Asked[]) {
  const held = new Map<string, Map<string, Grant[]>>();
  for (const { api, subject } of asked) {
    const ofApi = held.get(api) ?? new Map<string, Grant[]>();
    for (const principal of [subject, ...(memberships.get(subject) ?? [])]) ofApi.set(principal, []);
    held.set(api, ofApi);
  }
  for (const grant of grants) held.get(grant.api)?.get(grant.principal)?.push(grant);
  return held;
}

/** A grant as the policy sees it, written down here once more: a slip where data.json is made would show. */
function entryOf({ id, covers, expiresAt, state, conditions, limits }: Grant) {
  return {
    id,
    operations: covers,
    ...(expiresAt !== null && { expires: expiresAt }),
    ...(state === 'suspended' && { state }),
    ...(limits && { rate: limits.rate }),
    ...(conditions && {
      conditions: {
        ...(conditions.mfa !== undefined && { mfa: conditions.mfa }),
        ...(conditions.networks && { networks: conditions.networks }),
      },
    }),
  };
}

/** Null for whom no directory knows. */
function activeOf({ people, services }: Organisation, subject: string): boolean | null {
  const [kind = '', name = ''] = subject.split(/:(.*)/s);
  const status = kind === 'user' ? people.get(name)?.status : services.get(name)?.state;
  return status === undefined ? null : status === 'active';
}
