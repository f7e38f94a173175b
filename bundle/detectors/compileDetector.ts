import { compilePolicy } from '../policy/compilePolicy.ts';
import type { Opa } from '../policy/opa.ts';
import { packageOf } from './examineDetector.ts';
import type { OwnDetector } from './readDetectors.ts';

/** What a compiled detector is asked at; `asks` in the input says which of its two rules. */
export const detectorPath = 'grantgate/asked/answer';

/** Compiles an examined detector, with nothing beside it. Throws BundleError `policy-invalid` with opa's message, OpaError. */
export async function compileDetector(opa: Opa, own: OwnDetector): Promise<Buffer> {
  const name = `data.${packageOf(own)}`;
  const asked = `package grantgate.asked

answer := [days | days := ${name}.window_days] if input.asks == "window"

answer := [finding | finding := ${name}.finding] if input.asks == "finding"
`;
  const policies = new Map([
    ['policies/asked.rego', Buffer.from(asked)],
    [own.path, own.source],
  ]);
  return compilePolicy(opa, policies, detectorPath);
}
