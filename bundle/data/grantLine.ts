import { BundleError } from '../bundleError.ts';
import { isMapping } from '../format/isMapping.ts';
import { readRate } from '../format/rate.ts';

/** A grant as data.json has it: what the decision needs of it. Keys that say nothing are left out. */
export type GrantLine = {
  id: string;
  operations: readonly string[];
  conditions?: { mfa?: true; networks?: readonly string[]; params?: ParamsLine };
  /** Exclusive, whole seconds since 1970. */
  expires?: number;
  /** `600/min`. */
  rate?: string;
  state?: 'suspended';
};

/**
 * The values that path parameters must have: one of these, or that of a claim. It stands among the conditions, where a
 * policy that knows nothing of it takes it for a condition that is not met.
 */
export type ParamsLine = Readonly<Record<string, readonly string[] | { claim: string }>>;

type Check = (value: unknown) => boolean;

const isText: Check = (value) => typeof value === 'string' && value !== '';
const isTexts: Check = (value) => Array.isArray(value) && value.every((item) => typeof item === 'string');
const holds = (value: unknown, checks: Readonly<Record<string, Check>>): boolean =>
  isMapping(value) &&
  Object.entries(value).every(([key, item]) => Object.hasOwn(checks, key) && checks[key]?.(item) === true);

const isWanted: Check = (value) =>
  isTexts(value) || (isMapping(value) && Object.keys(value).join() === 'claim' && isText(value.claim));
const conditions: Readonly<Record<keyof NonNullable<GrantLine['conditions']>, Check>> = {
  mfa: (value) => value === true,
  networks: isTexts,
  params: (value) => isMapping(value) && Object.values(value).every(isWanted),
};
const parts: Readonly<Record<keyof GrantLine, Check>> = {
  id: isText,
  operations: isTexts,
  conditions: (value) => holds(value, conditions),
  expires: Number.isSafeInteger,
  rate: (value) => typeof value === 'string' && readRate(value) !== null,
  state: (value) => value === 'suspended',
};

function isGrantLine(value: unknown): value is GrantLine {
  return isMapping(value) && 'id' in value && 'operations' in value && holds(value, parts);
}

/**
 * The grants of one line of data.json, parsed. Throws BundleError `data-malformed` for whatever the compiler does not
 * write: a word that is not known here could narrow the grant, so it must not be passed over.
 */
export function readGrantLine(value: unknown): readonly GrantLine[] {
  if (!Array.isArray(value)) throw new BundleError('data-malformed', 'a line of grants is no list');
  for (const item of value)
    if (!isGrantLine(item)) {
      const id: unknown = isMapping(item) ? item.id : undefined;
      throw new BundleError('data-malformed', `the grant ${JSON.stringify(id)} is not as compilers write it`);
    }
  return value;
}
