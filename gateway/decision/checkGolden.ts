import type { Golden } from '../../bundle/archive/golden.ts';
import { routeOf } from '../request/routeOf.ts';
import type { ApiEntry } from '../revision/snapshot.ts';
import type { Decide } from './decision.ts';

/** A bundle's own questions get other answers here than where it was built: nobody must be decided by it. */
export class GoldenError extends Error {
  readonly code = 'golden-mismatch';
  override readonly name = 'GoldenError';
}

/** Asks a bundle's questions the way requests will be decided. Throws GoldenError at the first other answer. */
export function checkGolden(
  goldens: readonly Golden[],
  apis: ReadonlyMap<string, ApiEntry>,
  decide: Decide,
): void {
  for (const [index, { expect, ...asked }] of goldens.entries()) {
    const answer = answerOf(asked, apis, decide);
    if (JSON.stringify(answer) === JSON.stringify([expect.allow, expect.grants, expect.reason])) continue;
    const { subject, api, operation } = asked;
    throw new GoldenError(
      `decision ${index + 1} of ${goldens.length} carried by the bundle (${subject}, ${api}, ${operation}) should be ${expect.reason}, and is ${answer[2]} here`,
    );
  }
}

function answerOf(
  {
    subject,
    api,
    operation,
    mfa,
    networks,
    time,
    params = {},
    claims = {},
    facts = {},
  }: Omit<Golden, 'expect'>,
  apis: ReadonlyMap<string, ApiEntry>,
  decide: Decide,
): [allow: boolean, grants: readonly string[], reason: string] {
  const found = routeOf(apis, api, operation);
  if (found === null) return [false, [], 'no-such-operation'];
  const identity = { subject, groups: null, mfa, expiresAt: null };
  const stated = {
    params: new Map(Object.entries(params)),
    claims: new Map(Object.entries(claims)),
    facts: new Map(Object.entries(facts)),
  };
  const { allow, grants, reason } = decide({ identity, ...found, networks, time, stated }).result;
  return [allow, grants, reason];
}
