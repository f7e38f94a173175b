import { recommendation } from '../../../bundle/grants/names.ts';
import type { Organisation } from '../../../bundle/grants/organisation.ts';
import { code } from '../../forge/markdown.ts';
import type { Plan } from '../../plan/finding.ts';
import { nameOf } from '../../plan/sentence.ts';
import type { Entry, Marker } from './marker.ts';

/** Says why each thing that a pull request proposed is not proposed any more. */
export function goneWhy(
  { entries, owner }: Pick<Marker, 'entries' | 'owner'>,
  plan: Pick<Plan, 'exempt' | 'findings'>,
  { grants }: Pick<Organisation, 'grants'>,
): string {
  const lines = entries.map(({ grant: id, detector }) => {
    const grant = grants.find((known) => known.id === id);
    const exempt = plan.exempt.find((known) => known.grant === id && known.detector === detector);
    const other = plan.findings.find((known) => known.grant === id);
    if (grant === undefined) return `${code(id)} is not granted any more`;
    if (exempt !== undefined) return `${code(id)} is exempt from ${detector} until ${exempt.until}`;
    if (grant.review !== undefined && detector !== other?.detector)
      return `${code(id)} was reviewed and kept`;
    if (other?.detector === detector && other.owner !== owner)
      return `${code(id)} is asked of ${code(nameOf(other.owner))} now`;
    if (other?.detector === detector) return `${code(id)} was answered in another pull request`;
    if (other !== undefined) return `${code(id)} is now a matter of ${other.detector}`;
    return `${code(id)} is not found by ${detector} any more`;
  });
  return lines.length === 0 ? 'nothing that it proposes is found any more' : lines.join('; ');
}

/** Whether the evidence is too thin today to tell if a proposal still stands: then it is left alone. */
export function isBlind(
  entries: readonly Entry[],
  { not_evaluable, faults = [], recommended }: Pick<Plan, 'faults' | 'not_evaluable' | 'recommended'>,
): boolean {
  return entries.some(
    ({ grant, detector }) =>
      not_evaluable.some((known) => known.grant === grant && known.detectors.includes(detector)) ||
      // Whoever was not asked has not said that it is over.
      (recommended !== true && recommendation.safeParse(detector).success) ||
      // Nor has who could not be.
      faults.some((known) => (known.grant ?? grant) === grant && (known.detector ?? detector) === detector),
  );
}
