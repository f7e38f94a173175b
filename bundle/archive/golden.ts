import { z } from 'zod';
import { BundleError } from '../bundleError.ts';
import type { GrantLine, ParamsLine } from '../data/grantLine.ts';
import type { PrincipalLine } from '../data/principalLine.ts';
import { compareCodePoints } from '../format/canonicalJson.ts';
import { type DocumentReads, keysFrom } from '../policy/examine/policyReads.ts';
import { type Apis, type DataText, type Form, openDataText } from './dataText.ts';

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
const golden = z.strictObject({
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

type Asked = Omit<Golden, 'expect'>;

/** Answers an input over a data document (both JSON values); `steps` says how many the last answer took, reading the data left out. */
export type Evaluate = { (input: unknown, data: unknown): unknown; readonly steps?: () => number };

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
export async function goldenDecisions(
  data: Buffer,
  answerAll: AnswerAll,
  at: number,
  reads: readonly DocumentReads[] = [],
): Promise<Golden[]> {
  const text = openDataText(data);
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
    const input = { ...question, groups, method, path, ...givenTo(restricting, question), ...seen };
    addEntries(document, text, reads, input);
    return input;
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

/** Puts in what a policy reads of data documents for an input. */
function addEntries(
  document: Document,
  text: DataText,
  reads: readonly DocumentReads[],
  input: { subject: string; groups: readonly string[] },
): void {
  for (const { name, keys, whole } of reads) {
    document.documents ??= {};
    const entries = document.documents[name] ?? {};
    document.documents[name] = entries;
    if (whole) Object.assign(entries, text.entries(name));
    else
      for (const key of keys.flatMap((source) => keysFrom(source, input, input))) {
        const entry = text.entry(name, key);
        if (entry !== null) entries[key] = entry;
      }
  }
}

/** As the gateway puts it: what grants of the caller restrict, and nothing else. */
function givenTo(grants: readonly GrantLine[], { params = {}, claims = {} }: Asked) {
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

type Document = {
  apis: Apis;
  documents?: Record<string, Record<string, unknown>>;
  grants: Record<string, Record<string, readonly GrantLine[]>>;
  networks: unknown;
  principals: Record<string, PrincipalLine>;
};

function questions(text: DataText, at: number): Asked[] {
  const asked: Asked[] = [];
  for (const { api, principal } of text.pick(picks)) {
    const subject = principal.startsWith('group:') ? text.memberOf(principal) : principal;
    const grant = text.grants(api, principal)?.[0];
    if (subject === null || grant === undefined) continue;
    const { conditions, expires } = grant;
    const networks = [...(conditions?.networks ?? [])];
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
