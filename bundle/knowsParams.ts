import { BundleError } from './bundleError.ts';
import { dataSections } from './data/dataSections.ts';

/**
 * Throws BundleError `policy-invalid` where policies nowhere speak of `params`, and grants do: a policy from before there
 * were any could take such a grant for one of all values.
 */
export function assertKnowsParams(policies: ReadonlyMap<string, Buffer>): void {
  const code = [...policies.values()].map((source) => source.toString().replaceAll(/#.*$/gm, ''));
  if (code.some((text) => /\bparams\b/.test(text))) return;
  throw new BundleError(
    'policy-invalid',
    'grants restrict path parameters ("params"), and the policy nowhere reads grant.conditions.params and input.params: take over covers_parameters from the policy that comes with the product',
  );
}

/** Whether a grant in data.json restricts path parameters; APIs and data documents may have some of that name, too. */
export const restrictsParams = (data: Buffer): boolean =>
  [...dataSections(data).grants.values()].some(({ start, end }) =>
    data.subarray(start, end).includes('"params":{"'),
  );
