import type { z } from 'zod';
import { fold, login, owner } from '../grants/names.ts';
import { apiFile, apiName } from '../grants/schema.ts';

/** What a repository is begun with. */
export type Answers = {
  api: string;
  /** Null where an OpenAPI document says where the API is. */
  upstream: string | null;
  /** `group:NAME`. */
  owner: string;
  people: readonly { login: string; github?: string }[];
  /** `OWNER/REPOSITORY@COMMIT` of the action; null where it is not known yet. */
  action: string | null;
};

/** As options have them, from the command line or from a terminal. */
export type Given = {
  api?: string | undefined;
  upstream?: string | undefined;
  openapi?: string | undefined;
  owner?: string | undefined;
  person?: readonly string[] | undefined;
  github?: readonly string[] | undefined;
  action?: string | undefined;
};

const githubLogin = /^[A-Za-z0-9](?:[A-Za-z0-9]|-(?=[A-Za-z0-9])){0,38}$/;
const actionForm = /^[A-Za-z0-9][A-Za-z0-9-]{0,38}\/[A-Za-z0-9._-]{1,100}@[0-9a-f]{40}$/;

/** What is wrong with one option, as a sentence that names it; null when nothing is. Left out is right here. */
export function wrongAnswer(option: keyof Given, value: string): string | null {
  const says = (schema: z.ZodType) => {
    const result = schema.safeParse(value);
    return result.success ? null : (result.error.issues[0]?.message ?? 'is wrong');
  };
  const sentence = (what: string | null) =>
    what === null ? null : `--${option} ${what}, got ${JSON.stringify(value)}`;
  if (option === 'api') return sentence(says(apiName));
  if (option === 'upstream') return sentence(says(apiFile.shape.upstream));
  if (option === 'owner')
    return sentence(
      /^group:/.test(value) ? says(owner) : 'must be a group like "group:shop", which answers for the API',
    );
  if (option === 'person') return sentence(says(login));
  if (option === 'github') return sentence(githubLogin.test(value) ? null : 'must be a name at GitHub');
  if (option === 'action')
    return sentence(
      actionForm.test(value) ? null : 'must be OWNER/REPOSITORY@COMMIT, with the whole id of the commit',
    );
  return null;
}

/** Answers, or every sentence about what is missing or wrong. */
export function readAnswers(given: Given): { answers: Answers } | { problems: string[] } {
  const { api, upstream, openapi, person = [], github = [], action } = given;
  const problems: string[] = [];
  const needed = { api, owner: given.owner, ...(openapi === undefined ? { upstream } : {}) };
  for (const [option, value] of Object.entries(needed))
    if (value === undefined) problems.push(`--${option} is missing`);
  if (person.length === 0) problems.push('--person is missing: who is in that group');
  for (const [option, value] of Object.entries(given))
    for (const one of [value].flat())
      if (typeof one === 'string')
        problems.push(...[wrongAnswer(option as keyof Given, one)].filter((wrong) => wrong !== null));
  for (const [option, names] of Object.entries({ person, github }))
    if (new Set(names.map(fold)).size < names.length) problems.push(`--${option} names one twice`);
  if (github.length > 0 && github.length !== person.length)
    problems.push(
      `--github must name as many as --person, in the same order: ${person.length}, got ${github.length}`,
    );
  if (api === undefined || given.owner === undefined || problems.length > 0) return { problems };
  const people = person.map((name, index) => {
    const there = github[index];
    return { login: name, ...(there === undefined ? {} : { github: there }) };
  });
  return { answers: { api, upstream: upstream ?? null, owner: given.owner, people, action: action ?? null } };
}
