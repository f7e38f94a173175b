import { BundleError } from '../bundleError.ts';
import { isMapping } from '../format/isMapping.ts';

/** A person or service as data.json has it. `groups` is every group that it is in, directly or through others, each `group:NAME`. */
export type PrincipalLine = { readonly active: boolean; readonly groups: readonly string[] };

/**
 * The value of one line of principals, parsed. Throws BundleError `data-malformed` for what is not
 * `{"active":…,"groups":[…]}`: nobody can be decided by it.
 */
export function readPrincipalLine(value: unknown): PrincipalLine {
  if (isMapping(value)) {
    const { active, groups } = value;
    if (typeof active === 'boolean' && isTexts(groups)) return { active, groups };
  }
  throw new BundleError('data-malformed', 'a principal in data.json is not {"active":…,"groups":[…]}');
}

const isTexts = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.every((item) => typeof item === 'string');
