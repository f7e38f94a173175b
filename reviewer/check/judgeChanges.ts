import { z } from 'zod';
import type { ReviewRules } from '../../bundle/grants/reviewRules.ts';
import { compilePolicy } from '../../bundle/policy/compilePolicy.ts';
import type { Opa } from '../../bundle/policy/opa.ts';
import { createAskPolicy } from '../detect/askPolicy.ts';
import type { ChangeFact } from './changeFacts.ts';

const entrypoint = 'grantgate/check/verdict';
const rule = z.string().regex(/^[a-z][a-z0-9-]{0,63}$/);
const verdict = z.strictObject({
  findings: z.array(
    z.strictObject({
      rule,
      level: z.enum(['failure', 'warning', 'notice']),
      /** Its place in the list of changes. */
      change: z.int().min(0),
      /** What a rule of one's own says; the built-in ones are put into words here. */
      message: z.string().max(1000).optional(),
    }),
  ),
  requirements: z.array(
    z.strictObject({
      rule,
      api: z.string(),
      approval_of: z.string(),
      /** Whose approval is none: whose own access it is. */
      except: z.string().optional(),
    }),
  ),
  self_grant: z.enum(['refuse', 'approve', 'allow']),
  /** APIs at which the author must not gain. */
  guarded: z.array(z.string()).default([]),
});

/** What must not be merged, whose approval the merge needs, and what becomes of an author who gains. */
export type Verdict = z.output<typeof verdict>;

type Asked = { rules: ReviewRules['approval']; asOf: number; changes: readonly ChangeFact[] };

/**
 * Asks the policy who must approve what. `policies` are the base's. Throws BundleError (they do not compile), OpaError,
 * ReviewError `policy-undefined`.
 */
export async function judgeChanges(
  opa: Opa,
  policies: ReadonlyMap<string, Buffer>,
  { rules, asOf, changes }: Asked,
): Promise<Verdict> {
  const wasm = await compilePolicy(opa, policies, entrypoint);
  const ask = createAskPolicy(await WebAssembly.compile(new Uint8Array(wasm)), entrypoint);
  return ask({ as_of: asOf, rules, changes }, verdict);
}
