import { parametersOf } from '../../bundle/openapi/parameters.ts';
import type { Decision, Stated } from '../../gateway/decision/decision.ts';
import type { Asked, Given } from '../evidence/requests.ts';

/** The path parameters and claims that a record has. */
export const statedBy = ({ params, claims }: Pick<Asked, 'params' | 'claims'>): Stated => ({
  params: textsOf(params),
  claims: textsOf(claims),
});

const textsOf = (given: Given): ReadonlyMap<string, string> =>
  new Map(Object.entries(given).flatMap(([name, value]) => (value === null ? [] : [[name, value] as const])));

/** Denials for these do not depend on parameters: no grant is there that they could fit. */
const certain: ReadonlySet<string> = new Set([
  'principal-unknown',
  'principal-inactive',
  'operation-not-covered',
  'no-grant',
  'invalid-input',
]);

/**
 * Whether a denial may be none: it rests on path parameters or claims of which the record says nothing, and no guess is
 * made at them. A parameter that the operation does not have is known to be missing.
 */
export function mayBeAllowed(
  { input, result }: Pick<Decision, 'input' | 'result'>,
  { params, claims }: Pick<Asked, 'params' | 'claims'>,
): boolean {
  if (result.allow || certain.has(result.reason)) return false;
  const own = parametersOf(input.path);
  return (
    untold(params, input.params).some((name) => own.includes(name)) || untold(claims, input.claims).length > 0
  );
}

const untold = (recorded: Given, wanted: Given = {}): string[] =>
  Object.keys(wanted).filter((name) => !Object.hasOwn(recorded, name));
