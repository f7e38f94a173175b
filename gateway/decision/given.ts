import { parameterIn, parametersOf } from '../../bundle/openapi/parameters.ts';
import { claimAt } from '../identity/tokenClaims.ts';
import type { Question } from './decision.ts';

/**
 * The value of a path parameter, as the upstream will read it too: decoded once, and compared as it is. Null where the
 * operation has none that all would read alike; an empty one is none.
 */
export function paramOf({ route, path, stated }: Asked, name: string): string | null {
  if (path !== undefined) return readable(parameterIn(route.template, path, name));
  const value = readable(stated?.params.get(name));
  return value !== null && parametersOf(route.template).includes(name) ? value : null;
}

/**
 * What the caller's token says under a name: text, or a whole number in its digits. What is empty, a list or anything
 * else says nothing, and neither does a credential that carries no claims.
 */
export function claimOf({ identity, stated }: Asked, name: string): string | null {
  const { proof } = identity;
  if (proof === undefined) return readable(stated?.claims.get(name));
  if (proof.method !== 'jwt' && proof.method !== 'introspection') return null;
  const value = claimAt(proof.payload, name);
  // Beyond these, JSON numbers have been rounded: two callers could have one value.
  if (typeof value === 'number') return Number.isSafeInteger(value) ? String(value) : null;
  return readable(value);
}

/** What no grant can name is no value either: it would only fill records and memory. */
const longest = 1024;
const readable = (value: unknown): string | null =>
  typeof value === 'string' &&
  value !== '' &&
  value.length <= longest &&
  value.isWellFormed() &&
  !/\p{Cc}/u.test(value)
    ? value
    : null;

type Asked = Pick<Question, 'identity' | 'route' | 'path' | 'stated'>;

/** Whether the values that a decision rests on are what they were: those under the names that its input has. */
export function isSameGiven(
  { params, claims }: { params?: Given; claims?: Given },
  question: Asked,
): boolean {
  return (
    (params === undefined || areSame(params, (name) => paramOf(question, name))) &&
    (claims === undefined || areSame(claims, (name) => claimOf(question, name)))
  );
}

type Given = Readonly<Record<string, string | null>>;

function areSame(given: Given, find: (name: string) => string | null): boolean {
  for (const [name, value] of Object.entries(given)) if (find(name) !== value) return false;
  return true;
}

/** The values under these names; an object in which nothing stands but them. */
export const givenOf = (names: readonly string[], find: (name: string) => string | null): Given =>
  Object.fromEntries(names.map((name) => [name, find(name)]));
