import type { GrantLine, ParamsLine } from '../bundle/data/grantLine.ts';
import type { PrincipalLine } from '../bundle/data/principalLine.ts';

/** The part of the policy's input that a decision depends on. */
export type Request = {
  subject: string;
  groups?: readonly string[];
  groups_from?: string;
  api: string;
  operation: string;
  networks?: readonly string[];
  mfa?: boolean;
  params?: Readonly<Record<string, string | null>>;
  claims?: Readonly<Record<string, string | null>>;
  time: number;
};

/** What a request's subject may touch: its entry among the principals, and the grants of the named API by principal. */
export type Facts = {
  principal: PrincipalLine | undefined;
  grantsOf: (principal: string) => readonly GrantLine[];
};

type Decision = { allow: boolean; grants: string[]; reason: string };

// From the least to the most specific: the denial is that of the grant that came furthest.
const ladder = [
  'no-grant',
  'operation-not-covered',
  'parameter-not-covered',
  'expired',
  'suspended',
  'condition-not-met',
  'granted',
];

/**
 * The decision of policies/authz said a second time, in another language and another way: the recorded history is
 * made with it, and a test holds the policy, its WASM and this against each other. Takes well-formed requests only.
 */
export function referenceDecision(request: Request, { principal, grantsOf }: Facts): Decision {
  const denied = (reason: string) => ({ allow: false, grants: [], reason });
  const vouched = request.groups_from === 'token';
  if (principal === undefined && !vouched) return denied('principal-unknown');
  if (principal !== undefined && !principal.active) return denied('principal-inactive');

  const groups = (vouched ? request.groups : principal?.groups) ?? [];
  const holding = new Set<string>();
  let furthest = 0;
  for (const name of [request.subject, ...groups])
    for (const grant of grantsOf(name)) {
      const rung = ladder.indexOf(verdict(grant, request));
      furthest = Math.max(furthest, rung);
      if (rung === ladder.length - 1) holding.add(grant.id);
    }
  if (holding.size > 0) return { allow: true, grants: [...holding].sort(), reason: 'granted' };
  return denied(ladder[furthest] ?? 'no-grant');
}

function verdict(grant: GrantLine, request: Request): string {
  if (!grant.operations.includes(request.operation)) return 'operation-not-covered';
  if (!Object.entries(grant.conditions?.params ?? {}).every((one) => isWithin(one, request)))
    return 'parameter-not-covered';
  if (grant.expires !== undefined && request.time >= grant.expires) return 'expired';
  if (grant.state === 'suspended') return 'suspended';
  const { mfa, networks } = grant.conditions ?? {};
  if (mfa && request.mfa !== true) return 'condition-not-met';
  if (networks && !networks.some((name) => request.networks?.includes(name))) return 'condition-not-met';
  return 'granted';
}

function isWithin([name, wanted]: [string, ParamsLine[string]], { params, claims }: Request): boolean {
  const value = new Map(Object.entries(params ?? {})).get(name);
  if (!value) return false;
  if (!('claim' in wanted)) return wanted.includes(value);
  return new Map(Object.entries(claims ?? {})).get(wanted.claim) === value;
}
