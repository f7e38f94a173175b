import { anonymous } from '../../bundle/data/anonymous.ts';
import { parametersOf } from '../../bundle/openapi/parameters.ts';
import { createDecider } from '../decision/decider.ts';
import type { Decision } from '../decision/decision.ts';
import type { Evaluator } from '../decision/evaluator.ts';
import { anybody, type Identity, isPublic } from '../identity/identify.ts';
import type { Slices } from '../revision/slices.ts';
import type { Snapshot } from '../revision/snapshot.ts';
import type { ExplainQuestion, Matched } from './explanation.ts';
import { ExplainError } from './matchOperation.ts';

type Options = { snapshot: Snapshot; slices: Slices; evaluator: Evaluator };

/**
 * Decides what people ask, by a snapshot, as its gateway would. Throws ExplainError where nothing would be decided, and
 * what the policy fails with.
 */
export function createDecideAsked({ snapshot, slices, evaluator }: Options) {
  const { decide } = createDecider(snapshot, slices, evaluator);
  return (asked: ExplainQuestion, matched: Matched): { identity: Identity; decision: Decision } => {
    const { subject, mfa, networks, time, stated } = asked;
    const { route, method, path, operation } = matched;
    const open = isPublic(snapshot, route);
    if (subject === anonymous && !open)
      throw new ExplainError(`${operation} is not public: without a credential it is answered 401`);
    const own = parametersOf(route.template);
    for (const name of stated?.params.keys() ?? [])
      if (!own.includes(name))
        throw new ExplainError(
          `${operation} has no path parameter "${name}"; it has ${own.join(', ') || 'none'}`,
        );
    const identity = open ? anybody : { subject, groups: null, mfa, expiresAt: null };
    const decision = decide({
      ...{ identity, route, method, time, networks: [...networks].sort() },
      ...(stated !== undefined && { stated }),
      ...(path !== undefined && { path }),
    });
    if (decision.failure !== null) throw decision.failure;
    return { identity, decision };
  };
}
