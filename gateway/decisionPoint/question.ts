import { parametersOf } from '../../bundle/openapi/parameters.ts';
import type { Question, Stated } from '../decision/decision.ts';
import { anybody, isPublic } from '../identity/identify.ts';
import { routeOf } from '../request/routeOf.ts';
import type { Snapshot } from '../revision/snapshot.ts';
import type { Circumstances, Evaluation } from './authzenRequest.ts';

/** Who asks what, as {@link readEvaluation} has it. */
export type Asked = Circumstances & Pick<Evaluation, 'subject' | 'api' | 'object' | 'operation'>;

/** The parameter of a path that names an object: the only one that it has; null where none does, or more than one. */
export function objectParameter(template: string): string | null {
  const [name, ...others] = parametersOf(template);
  return name === undefined || others.length > 0 || template.split('{').length !== 2 ? null : name;
}

/**
 * What the policy is asked, by what an application says of its caller; `nowMs` since 1970. Where nothing
 * can be asked, why.
 */
export function questionOf(
  snapshot: Snapshot,
  { subject, api, object, operation, networks, mfa, time, stated }: Asked,
  nowMs: number,
): Question | 'no-such-operation' | 'principal-unknown' {
  const found = api === null ? null : routeOf(snapshot.apis, api, operation);
  if (found === null) return 'no-such-operation';
  const { method, route } = found;
  const withTarget = object === null ? stated : withObject(stated, objectParameter(route.template), object);
  if (withTarget === null) return 'no-such-operation';
  const open = isPublic(snapshot, route);
  if (subject === null && !open) return 'principal-unknown';
  return {
    // As at the gateway: who calls what is public is not asked.
    identity: open || subject === null ? anybody : { subject, groups: null, mfa, expiresAt: null },
    route,
    method,
    networks: [...new Set(networks)].filter((name) => snapshot.networks.has(name)).sort(),
    time: time ?? Math.floor(nowMs / 1000),
    stated: withTarget,
  };
}

function withObject(stated: Stated, name: string | null, object: string): Stated | null {
  return name === null ? null : { ...stated, params: new Map([...stated.params, [name, object]]) };
}
