import { z } from 'zod';
import { detectorName } from '../../bundle/grants/names.ts';
import { compilePolicy } from '../../bundle/policy/compilePolicy.ts';
import type { Opa } from '../../bundle/policy/opa.ts';
import { createAskPolicy } from './askPolicy.ts';

export type Severity = 'low' | 'medium' | 'high' | 'critical';
export const actions = [
  'delete',
  'revoke',
  'suspend',
  'narrow',
  'renew',
  'reassign',
  'recertify',
  'tighten',
] as const;
export type Action = (typeof actions)[number];

const entrypoint = 'grantgate/review/judgement';
const findings = z.array(
  z.discriminatedUnion('verdict', [
    z.object({
      detector: detectorName,
      verdict: z.literal('report'),
      action: z.enum(actions),
      severity: z.enum(['low', 'medium', 'high', 'critical']),
      also: z.array(detectorName),
    }),
    z.object({ detector: detectorName, verdict: z.literal('exempt'), until: z.number(), reason: z.string() }),
    z.object({ detector: detectorName, verdict: z.literal('not-evaluable'), coverage: z.number() }),
  ]),
);
const judgement = z.object({ windows: z.record(z.string(), z.number()), findings });

/** What the policies say of one grant: the windows to look at, and, once their usage is among the facts, findings. */
export type Judgement = { windows: Readonly<Record<string, number>>; findings: z.infer<typeof findings> };

/** Asks about one grant's facts (an ArrayBuffer holds them as JSON). Throws ReviewError `policy-undefined`, which names the grant. */
export type Judge = (grant: string, facts: unknown) => Judgement;

/** Compiles the review policies. Throws BundleError (they do not compile), OpaError. */
export async function compileJudge(
  opa: Opa,
  policies: ReadonlyMap<string, Buffer>,
): Promise<WebAssembly.Module> {
  return WebAssembly.compile(new Uint8Array(await compilePolicy(opa, policies, entrypoint)));
}

/** Makes compiled review policies ready to be asked. */
export function createJudge(module: WebAssembly.Module): Judge {
  const ask = createAskPolicy(module, entrypoint);
  return (grant, facts) => ask(facts, judgement, grant);
}
