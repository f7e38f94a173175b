import type { Forge, Reviewers } from '../forge/forge.ts';
import { optional } from '../forge/optional.ts';

/** Asks for a review. One name that cannot be asked refuses them all, so then each is asked alone. */
export async function askReviewers(
  forge: Pick<Forge, 'requestReviewers'>,
  number: number,
  { people, teams = [] }: { people: readonly string[]; teams?: Reviewers['teams'] },
): Promise<void> {
  if (people.length + teams.length === 0) return;
  if (await optional(() => forge.requestReviewers(number, { people, teams }))) return;
  if (people.length + teams.length === 1) return;
  for (const name of people)
    await optional(() => forge.requestReviewers(number, { people: [name], teams: [] }));
  for (const name of teams)
    await optional(() => forge.requestReviewers(number, { people: [], teams: [name] }));
}
