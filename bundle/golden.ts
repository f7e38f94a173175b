import { z } from 'zod';
import { BundleError } from './bundleError.ts';

const result = z.strictObject({ allow: z.boolean(), grants: z.array(z.string()), reason: z.string() });

/** As a gateway reads an answer: one that allows must name its grants, one that denies names none. */
const answer = z
  .object({ allow: z.boolean(), grants: z.array(z.string()), reason: z.string() })
  .refine(({ allow, grants }) => !allow || grants.length > 0)
  .transform(({ allow, grants, reason }) => ({ allow, grants: allow ? grants : [], reason }));

/** The most that a bundle carries. */
const most = 50;
/** How many lines of grants are asked about; up to three questions each, and one about nobody. */
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
 * Questions from all over a data.json and what the compiled policy answers to them, over what a plain search of its text
 * finds: no index, no offsets, nothing of the way a gateway takes. Whoever finds, cuts and asks otherwise later must come
 * to the same. A few lines are read however many there are. `at` is whole seconds since 1970; the same data gives the
 * same decisions. Throws BundleError `policy-invalid` when an answer is none.
 */
export function goldenDecisions(data: Buffer, evaluate: Evaluate, at: number): Golden[] {
  const text = openText(data);
  return questions(text, at)
    .slice(0, most)
    .map((question) => {
      const { subject, api, operation, mfa, networks, time } = question;
      const principal = text.principal(subject);
      const groups = principal?.groups ?? [];
      const [method = '', path = ''] = text.apis[api]?.operations[operation]?.split(' ') ?? [];
      const input = { subject, groups, api, operation, method, path, networks, mfa, time };
      const held = [subject, ...groups].flatMap((name) => {
        const grants = text.grants(api, name);
        return grants === null ? [] : [[name, grants] as const];
      });
      const expect = answer.safeParse(
        evaluate(input, {
          grants: { [api]: Object.fromEntries(held) },
          principals: principal === null ? {} : { [subject]: principal },
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

type Grant = {
  operations: string[];
  expires?: number;
  conditions?: { mfa?: boolean; networks?: string[] };
};
type Principal = { active: boolean; groups: string[] };
type Apis = Record<string, { operations: Record<string, string> }>;

function questions(text: Text, at: number): Asked[] {
  const asked: Asked[] = [];
  for (const { api, principal } of text.pick(picks)) {
    const subject = principal.startsWith('group:') ? text.memberOf(principal) : principal;
    const grant = text.grants(api, principal)?.[0];
    if (subject === null || grant === undefined) continue;
    const { conditions, expires } = grant;
    const networks = conditions?.networks ?? [];
    const [operation = 'none'] = grant.operations;
    const wanted = { api, mfa: conditions?.mfa === true, networks, operation, subject, time: at };
    const other = Object.keys(text.apis[api]?.operations ?? {}).find(
      (name) => !grant.operations.includes(name),
    );
    asked.push(wanted);
    if (other !== undefined) asked.push({ ...wanted, operation: other });
    if (conditions !== undefined) asked.push({ ...wanted, mfa: false, networks: [] });
    else if (expires !== undefined) asked.push({ ...wanted, time: expires });
  }
  const [api, entry] = Object.entries(text.apis)[0] ?? [];
  const operation = Object.keys(entry?.operations ?? {})[0];
  if (api !== undefined && operation !== undefined)
    asked.push({ api, mfa: true, networks: [], operation, subject: 'user:nobody@grantgate', time: at });
  return asked;
}

/** data.json as text that is searched; its lines are the only places with a line feed before a quote. */
type Text = {
  apis: Apis;
  /** The grants on the line of a principal under an API, or null. */
  grants: (api: string, principal: string) => Grant[] | null;
  principal: (subject: string) => Principal | null;
  /** The first principal whose groups hold this one, or null. */
  memberOf: (group: string) => string | null;
  /** Lines of grants, evenly far apart. */
  pick: (count: number) => { api: string; principal: string }[];
};

function openText(data: Buffer): Text {
  const credentials = data.indexOf('\n"credentials":');
  const grants = data.indexOf('\n"grants":{', credentials);
  const principals = data.lastIndexOf('"principals":{');
  const apis = JSON.parse(data.toString('utf8', '{"apis":'.length, credentials - 1)) as Apis;
  const lineAt = (start: number) => {
    const end = data.indexOf('\n', start);
    const line = data.toString('utf8', start, end < 0 ? data.length : end).replace(/,$/, '');
    return Object.entries(JSON.parse(`{${line}}`) as Record<string, unknown>)[0];
  };
  const find = (key: string, from: number, to: number): unknown => {
    const at = data.indexOf(`\n${JSON.stringify(key)}:`, from);
    return at < 0 || at >= to ? null : lineAt(at + 1)?.[1];
  };
  return {
    apis,
    grants(api, principal) {
      const opening = data.indexOf(`${JSON.stringify(api)}:{\n`, grants);
      if (opening < 0 || opening >= principals) return null;
      return find(principal, opening, data.indexOf('\n}', opening)) as Grant[] | null;
    },
    principal: (subject) => find(subject, principals, data.length) as Principal | null,
    memberOf(group) {
      const hit = data.indexOf(JSON.stringify(group), principals);
      return hit < 0 ? null : (lineAt(data.lastIndexOf('\n', hit) + 1)?.[0] ?? null);
    },
    pick(count) {
      const found = new Map<number, { api: string; principal: string }>();
      const from = grants + '\n"grants":{'.length;
      for (let index = 0; index < count; index += 1) {
        const start = data.indexOf('\n"', from + Math.floor((index * (principals - from)) / count)) + 1;
        if (start === 0 || start >= principals) continue;
        const opening = data.lastIndexOf(':{\n', start);
        const quote = data.lastIndexOf('"', opening - 2);
        const principal = lineAt(start)?.[0];
        const api = JSON.parse(data.toString('utf8', quote, opening)) as string;
        if (principal !== undefined) found.set(start, { api, principal });
      }
      return [...found.values()];
    },
  };
}
