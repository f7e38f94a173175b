import type { DetectorName } from '../../bundle/grants/names.ts';
import type { Grant } from '../../bundle/grants/organisation.ts';
import type { Evidence } from '../evidence/gather.ts';
import type { Duty } from './duties.ts';
import { exemptionsOf, type Facts, factsOf } from './factsOf.ts';
import type { Faults } from './faults.ts';
import type { Observed } from './observed.ts';
import type { OwnFacts, OwnJudge, OwnWord } from './ownDetectors.ts';
import type { usageInput } from './usageInput.ts';

/** What was used in each window, by the detector that looks at it, as policies are told of it. */
export type UsageInput = Record<string, ReturnType<typeof usageInput>>;

/** What a detector of the repository's own is said to have found, and how. */
export type OwnSaid = {
  input: { detector: DetectorName; days?: number; action?: string; severity?: string };
  word: OwnWord | null;
  facts: OwnFacts;
};

/** What the policies are told of a grant, and what the repository's own detectors said of it. */
export type Told = {
  said: readonly OwnSaid[];
  facts: Facts & { observed?: Observed | object; own?: readonly OwnSaid['input'][]; usage?: UsageInput };
};

type Options = {
  evidence: Evidence;
  judges: readonly OwnJudge[];
  duties: ReadonlyMap<string, readonly Duty[]>;
  faults: Faults;
};

/**
 * Tells the facts of a grant with what the repository's own detectors say of them; without usage (null), only how far
 * back these look. `observed` is left out where nothing is recommended.
 */
export function createTellFacts({ evidence, judges, duties, faults }: Options) {
  const exemptions = exemptionsOf(evidence.organisation.review);
  const askedOwn = (one: OwnJudge, grant: Grant, facts: Facts, usage: UsageInput | null): OwnSaid[] => {
    try {
      const plain = one.factsOf(facts);
      const days = one.windowDays(grant, plain);
      const input = { detector: one.name, ...(days !== null && { days }) };
      const seen = usage?.[one.name];
      if (usage === null || (one.hasWindow && seen === undefined))
        return [{ input, word: null, facts: plain }];
      const told = one.factsOf(facts, seen);
      const word = one.find(grant, told);
      const { action, severity } = word ?? {};
      return [
        { input: { ...input, ...(action && { action }), ...(severity && { severity }) }, word, facts: told },
      ];
    } catch (error) {
      faults.note(grant.id, error, one.name);
      return [];
    }
  };
  return (grant: Grant, usage: UsageInput | null, observed?: Observed | object): Told => {
    const facts = factsOf(grant, evidence, {
      duties: duties.get(grant.id) ?? [],
      exemptions: exemptions.get(grant.id) ?? [],
    });
    const said = judges.flatMap((one) => askedOwn(one, grant, facts, usage));
    return {
      said,
      facts: {
        ...facts,
        ...(observed && { observed }),
        ...(said.length > 0 && { own: said.map(({ input }) => input) }),
        ...(usage !== null && { usage }),
      },
    };
  };
}
