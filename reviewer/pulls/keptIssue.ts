import type { Forge } from '../forge/forge.ts';
import { optional } from '../forge/optional.ts';

/** An issue that is brought up to date by each run. */
export type KeptIssue = { number: number; body: string; state: 'open' | 'closed' };

/**
 * The issue of a label that we opened and `isIt` knows by its body; null without one. Where a list lagged there may be two: the older
 * one stays. Not even its absence may hold up a run.
 */
export async function readKeptIssue(
  forge: Forge,
  label: string,
  isIt: (body: string) => boolean,
): Promise<KeptIssue | null> {
  let found: KeptIssue[] = [];
  await optional(async () => {
    const [me, issues] = [await forge.whoAmI(), await forge.issues(label)];
    found = issues.filter(({ author, body }) => author === me && isIt(body));
  });
  const [kept = null, ...more] = found.toSorted((a, b) => a.number - b.number);
  for (const { number, state } of more)
    if (state === 'open') await optional(() => forge.updateIssue(number, { state: 'closed' }));
  return kept;
}
