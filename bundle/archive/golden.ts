import { z } from 'zod';
import { BundleError } from '../bundleError.ts';
import { compareCodePoints } from '../format/canonicalJson.ts';
import type { ParamsLine } from '../format/grantLine.ts';

const result = z.strictObject({ allow: z.boolean(), grants: z.array(z.string()), reason: z.string() });

/** As a gateway reads an answer: one that allows must name its grants, in order; one that denies names none. */
const answer = z
  .object({ allow: z.boolean(), grants: z.array(z.string()), reason: z.string() })
  .refine(({ allow, grants }) => !allow || grants.length > 0)
  .transform(({ allow, grants, reason }) => ({
    allow,
    grants: allow ? [...grants].sort(compareCodePoints) : [],
    reason,
  }));

/** An answer as a gateway reads it, as text; the same for all that are none. */
export const readAnswer = (value: unknown): string => JSON.stringify(answer.safeParse(value).data ?? null);

/** The most that a bundle carries. */
const most = 50;
/** How many lines of grants are asked about; up to three questions each, and one about nobody. */
const picks = 12;

const given = z.record(z.string(), z.string());
const scalar = z.union([z.string(), z.int(), z.boolean()]);
const facts = z.record(z.string(), z.union([scalar, z.array(scalar)]));

/**
 * A question with the answer it must get from a bundle; `time` in whole seconds since 1970. `params` and `claims` are those
 * that a grant of the caller restricts, where one does; `facts` what the API's file names.
 */
export const golden = z.strictObject({
  api: z.string(),
  claims: given.optional(),
  expect: result,
  facts: facts.optional(),
  mfa: z.boolean(),
  networks: z.array(z.string()),
  operation: z.string(),
  params: given.optional(),
  subject: z.string(),
  time: z.int().min(0),
});

export const goldens = z.array(golden).max(most);

export type Golden = z.output<typeof golden>;
/** How many bytes of principals are searched for somebody in a group; a member further on is not asked about. */
const within = 8 * 2 ** 20;
const lineFeed = 0x0a;

type Asked = Omit<Golden, 'expect'>;

/** Answers an input over a data document (both JSON values). */
export type Evaluate = (input: unknown, data: unknown) => unknown;

/** Answers inputs over one data document, each in its place; undefined where the policy leaves it undefined. */
export type AnswerAll = (
  inputs: readonly unknown[],
  document: unknown,
) => readonly unknown[] | Promise<readonly unknown[]>;

/**
 * Questions from all over a data.json and what the policy answers to them, over what a plain search of its text finds:
 * no index, no offsets, nothing of the way a gateway takes. Whoever finds, cuts and asks otherwise later must come to
 * the same. A few lines are read however many there are. All are answered over one document that holds every API, all
 * networks and whatever these callers and their groups have: an admitted policy reads nothing else for them, so its
 * answers over the whole document are the same. `at` is whole seconds since 1970; the same data gives the same
 * decisions. Throws BundleError `policy-invalid` when an answer is none.
 */
export async function goldenDecisions(data: Buffer, answerAll: AnswerAll, at: number): Promise<Golden[]> {
  const text = openText(data);
  const { apis, networks: declared } = text;
  const document: Document = { apis, grants: {}, networks: declared, principals: {} };
  const asked = questions(text, at).slice(0, most);
  const named = Object.values(apis).some(({ facts }) => facts !== undefined);
  const inputs = asked.map((question) => {
    const { subject, api, operation } = question;
    const principal = text.principal(subject);
    if (principal !== null) document.principals[subject] = principal;
    const groups = principal?.groups ?? [];
    const held = document.grants[api] ?? {};
    for (const name of [subject, ...groups]) {
      const grants = text.grants(api, name);
      if (grants !== null) held[name] = grants;
    }
    document.grants[api] = held;
    const [method = '', path = ''] = apis[api]?.operations[operation]?.split(' ') ?? [];
    const restricting = [subject, ...groups].flatMap((name) => held[name] ?? []);
    const seen = named ? { facts: question.facts ?? {} } : {};
    return { ...question, groups, method, path, ...givenTo(restricting, question), ...seen };
  });
  const answers = inputs.length === 0 ? [] : await answerAll(inputs, document);
  return asked.map((question, index) => {
    const expect = answer.safeParse(answers[index]);
    if (expect.success) return { ...question, expect: expect.data };
    const { subject, api, operation } = question;
    throw new BundleError(
      'policy-invalid',
      `the policy does not answer {"allow":…,"grants":[…],"reason":…} when it is asked about ${subject}, ${api}, ${operation}`,
    );
  });
}

/** As the gateway puts it: what grants of the caller restrict, and nothing else. */
function givenTo(grants: readonly Grant[], { params = {}, claims = {} }: Asked) {
  const restricted = grants.flatMap(({ conditions }) => Object.entries(conditions?.params ?? {}));
  const named = restricted.flatMap(([, wanted]) => ('claim' in wanted ? [wanted.claim] : []));
  const values = (names: readonly string[], of: Readonly<Record<string, string>>) =>
    Object.fromEntries(names.map((name) => [name, of[name] ?? null]));
  return {
    params:
      restricted.length === 0
        ? undefined
        : values(
            restricted.map(([name]) => name),
            params,
          ),
    claims: named.length === 0 ? undefined : values(named, claims),
  };
}

type Grant = {
  operations: string[];
  expires?: number;
  conditions?: { mfa?: boolean; networks?: string[]; params?: ParamsLine };
};
type Principal = { active: boolean; groups: string[] };
type Form = { type?: string; values?: string[]; max_length?: number };
type Apis = Record<string, { operations: Record<string, string>; facts?: Record<string, Form> }>;
type Document = {
  apis: Apis;
  grants: Record<string, Record<string, Grant[]>>;
  networks: unknown;
  principals: Record<string, Principal>;
};

function questions(text: Text, at: number): Asked[] {
  const asked: Asked[] = [];
  for (const { api, principal } of text.pick(picks)) {
    const subject = principal.startsWith('group:') ? text.memberOf(principal) : principal;
    const grant = text.grants(api, principal)?.[0];
    if (subject === null || grant === undefined) continue;
    const { conditions, expires } = grant;
    const networks = conditions?.networks ?? [];
    const [operation = 'none'] = grant.operations;
    const wanted = {
      ...{ api, mfa: conditions?.mfa === true, networks, operation, subject, time: at },
      ...(conditions?.params && meeting(conditions.params)),
      ...factsAt(text.apis[api]?.facts),
    };
    const other = Object.keys(text.apis[api]?.operations ?? {}).find(
      (name) => !grant.operations.includes(name),
    );
    asked.push(wanted);
    if (other !== undefined) asked.push({ ...wanted, operation: other });
    if (conditions?.params !== undefined) asked.push({ ...wanted, params: elsewhere(conditions.params) });
    else if (conditions !== undefined) asked.push({ ...wanted, mfa: false, networks: [] });
    else if (expires !== undefined) asked.push({ ...wanted, time: expires });
  }
  const [api, entry] = Object.entries(text.apis)[0] ?? [];
  const operation = Object.keys(entry?.operations ?? {})[0];
  if (api !== undefined && operation !== undefined)
    asked.push({ api, mfa: true, networks: [], operation, subject: 'user:nobody@grantgate', time: at });
  return asked;
}

/** Some value for each fact of an API. */
function factsAt(forms: Readonly<Record<string, Form>> | undefined): Pick<Asked, 'facts'> {
  if (forms === undefined) return {};
  const someValue = ({ type, values, max_length }: Form) => {
    const text = values?.[0] ?? someone.slice(0, max_length);
    return type === 'number' ? 1 : type === 'boolean' ? true : type === 'list' ? [text] : text;
  };
  return {
    facts: Object.fromEntries(Object.entries(forms).map(([name, form]) => [name, someValue(form)])),
  };
}

const someone = 'grantgate';

/** Values that a grant is content with. */
function meeting(params: ParamsLine) {
  const entries = Object.entries(params);
  const claims = entries.flatMap(([, wanted]) => ('claim' in wanted ? [[wanted.claim, someone]] : []));
  return {
    params: Object.fromEntries(
      entries.map(([name, wanted]) => [name, 'claim' in wanted ? someone : (wanted[0] ?? someone)]),
    ),
    ...(claims.length > 0 && { claims: Object.fromEntries(claims) as Record<string, string> }),
  };
}

/** Values that it does not know. */
const elsewhere = (params: ParamsLine) =>
  Object.fromEntries(Object.keys(params).map((name) => [name, `not ${someone}`]));

/** data.json as text that is searched; its lines are the only places with a line feed before a quote. */
type Text = {
  apis: Apis;
  networks: unknown;
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
  const behind = '},"networks":';
  const declared = data.indexOf(behind, data.lastIndexOf('\n', principals)) + behind.length;
  const networks: unknown = JSON.parse(data.toString('utf8', declared, principals - 1));
  const lineAt = (start: number) => {
    const end = data.indexOf('\n', start);
    const line = data.toString('utf8', start, end < 0 ? data.length : end).replace(/,$/, '');
    return Object.entries(JSON.parse(`{${line}}`) as Record<string, unknown>)[0];
  };
  /** Halves what is left of sorted lines, from the first byte of one to behind the last byte of another. */
  const find = (key: string, from: number, to: number): unknown => {
    const wanted = Buffer.from(key);
    for (let [low, high] = [from, to]; low < high; ) {
      const start = data.lastIndexOf(lineFeed, Math.max(low, ((low + high) >>> 1) - 1)) + 1;
      const order = data.subarray(start + 1, data.indexOf('"', start + 1)).compare(wanted);
      if (order === 0) return lineAt(start)?.[1];
      if (order > 0) high = start;
      else low = data.indexOf(lineFeed, start) + 1;
    }
    return null;
  };
  const firstOf = (section: number) => data.indexOf(lineFeed, section) + 1;
  const sections = new Map<string, [first: number, end: number]>();
  for (let at = data.indexOf(':{\n', grants); at >= 0 && at < principals; ) {
    const api = JSON.parse(data.toString('utf8', data.lastIndexOf('"', at - 2), at)) as string;
    const end = data.indexOf('\n}', at);
    sections.set(api, [firstOf(at), end]);
    at = data.indexOf(':{\n', end);
  }
  return {
    apis,
    networks,
    grants(api, principal) {
      const lines = sections.get(api);
      return lines === undefined ? null : (find(principal, ...lines) as Grant[] | null);
    },
    principal: (subject) =>
      find(subject, firstOf(principals), data.length - '\n}}'.length) as Principal | null,
    memberOf(group) {
      const hit = data.subarray(0, principals + within).indexOf(JSON.stringify(group), principals);
      return hit < 0 ? null : (lineAt(data.lastIndexOf('\n', hit) + 1)?.[0] ?? null);
    },
    pick(count) {
      const found = new Map<number, { api: string; principal: string }>();
      const from = grants + '\n"grants":{'.length;
      for (let index = 0; index < count; index += 1) {
        const start = data.indexOf('\n"', from + Math.floor((index * (principals - from)) / count)) + 1;
        if (start === 0 || start >= principals) continue;
        const [api] = [...sections].find(([, [first, end]]) => first <= start && start < end) ?? [];
        const principal = lineAt(start)?.[0];
        if (api !== undefined && principal !== undefined) found.set(start, { api, principal });
      }
      return [...found.values()];
    },
  };
}
