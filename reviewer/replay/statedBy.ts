import { parametersOf } from '../../bundle/openapi/parameters.ts';
import type { Decision, Stated } from '../../gateway/decision/decision.ts';
import type { FactEntry, Snapshot } from '../../gateway/revision/snapshot.ts';
import type { RecordedRequest, RecordedValues } from '../evidence/requests.ts';

/** The path parameters, claims and facts that a record has. */
export const statedBy = ({
  params,
  claims,
  facts,
}: Pick<RecordedRequest, 'params' | 'claims' | 'facts'>): Stated => ({
  params: textsOf(params),
  claims: textsOf(claims),
  facts: new Map(Object.entries(facts)),
});

/**
 * Whether the policy of a revision reads a fact of the request of which its record says nothing; or says what the fact
 * was by `base`, which had it from elsewhere.
 */
export function isFactUntold(
  { apis, reads }: Sourced,
  { api, template }: { api: string; template: string },
  { params, facts }: Pick<RecordedRequest, 'params' | 'facts'>,
  base?: Pick<Sourced, 'apis'>,
): boolean {
  const { facts: read } = reads;
  const declared = apis.get(api)?.facts;
  if (read === undefined || declared === undefined) return false;
  const before = base?.apis.get(api)?.facts ?? declared;
  return Object.entries(declared).some(([name, entry]) => {
    if (!read.includes(name)) return false;
    if (Object.hasOwn(facts, name)) return !isSameSource(before[name], entry);
    const { param } = entry;
    // Of a path parameter it may say something for a grant's sake, and an operation may have none.
    return !(
      param !== undefined &&
      (Object.hasOwn(params, param) || !parametersOf(template).includes(param))
    );
  });
}

type Sourced = Pick<Snapshot, 'apis' | 'reads'>;

/** What it may be besides is looked at again as it stands on record. */
const isSameSource = (one: FactEntry | undefined, other: FactEntry): boolean =>
  (['param', 'header', 'from', 'claim', 'property', 'type'] as const).every(
    (part) => one?.[part] === other[part],
  );

const textsOf = (given: RecordedValues): ReadonlyMap<string, string> =>
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
  { params, claims }: Pick<RecordedRequest, 'params' | 'claims'>,
): boolean {
  if (result.allow || certain.has(result.reason)) return false;
  const own = parametersOf(input.path);
  return (
    untold(params, input.params).some((name) => own.includes(name)) || untold(claims, input.claims).length > 0
  );
}

const untold = (recorded: RecordedValues, wanted: RecordedValues = {}): string[] =>
  Object.keys(wanted).filter((name) => !Object.hasOwn(recorded, name));
