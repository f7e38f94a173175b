import type { DecisionInput } from '../decision/decisionInput.ts';
import type { Advice, ExplainedGrant } from './explanation.ts';

type Denied = {
  reason: string;
  /** The fact that a denial is about. */
  fact: string | null;
  input: DecisionInput;
  /** Of the API. */
  owner: string;
  grants: readonly ExplainedGrant[];
  /** Role → operations; null where the files are not at hand. */
  roles: ReadonlyMap<string, readonly string[]> | null;
  /** What the directory says of an account that is not active, and where; null where that is not at hand. */
  standing: string | null;
};

/** The shortest way from a denial to an allow. */
export function adviceFor({ reason, fact, input, owner, grants, roles, standing }: Denied): Advice {
  const [nearest] = grants
    .filter((grant) => grant.reason === reason)
    .sort((a, b) => a.also.length - b.also.length);
  const whose = nearest?.origin?.owner ?? owner;
  const of = (grant: ExplainedGrant, sentence: string): Advice => ({
    sentence,
    of: whose,
    role: null,
    grant: grant.id,
  });
  switch (reason) {
    case 'principal-unknown':
      return advice(`No directory knows ${input.subject}: it must come in with the next directory sync.`);
    case 'principal-inactive':
      return advice(
        `The account of ${input.subject} is ${standing ?? 'not active'}; its directory must say otherwise first.`,
      );
    case 'fact-malformed':
      return advice(
        `Nothing to ask for: the fact "${fact}" of the request is not what ${input.api} says it is.`,
      );
    case 'condition-not-met':
      if (nearest)
        return { ...of(nearest, `Nothing to ask for: ${nearest.id} ${nearest.sentence}.`), of: null };
      break;
    case 'parameter-not-covered':
      if (nearest) return of(nearest, `Ask ${whose} for it: ${nearest.id} ${nearest.sentence}.`);
      break;
    case 'suspended':
      if (nearest) return of(nearest, `Ask ${whose} to resume ${nearest.id}${besides(nearest)}.`);
      break;
    case 'expired':
      if (nearest) return of(nearest, `Ask ${whose} to renew ${nearest.id}${besides(nearest)}.`);
      break;
    default:
      break;
  }
  const role = smallestRole(roles, input.operation, grants);
  const what = role === null ? `the operation ${input.operation}` : `the role ${role}`;
  return { sentence: `Ask ${owner}, who own ${input.api}, for ${what}.`, of: owner, role, grant: null };
}

/** That alone would not do. */
const besides = ({ also }: ExplainedGrant): string =>
  also.length === 0 ? '' : `, which besides ${also.join(' and ')}`;

const advice = (sentence: string): Advice => ({ sentence, of: null, role: null, grant: null });

/** The role that covers the operation and adds least to what the caller holds already. */
function smallestRole(
  roles: Denied['roles'],
  operation: string,
  grants: readonly ExplainedGrant[],
): string | null {
  const held = new Set(grants.flatMap(({ operations }) => operations));
  const added = (operations: readonly string[]) => operations.filter((name) => !held.has(name)).length;
  const covering = [...(roles ?? [])].filter(([, operations]) => operations.includes(operation));
  covering.sort(
    ([nameA, a], [nameB, b]) => added(a) - added(b) || a.length - b.length || (nameA < nameB ? -1 : 1),
  );
  return covering[0]?.[0] ?? null;
}
