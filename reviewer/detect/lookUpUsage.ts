import type { Grant } from '../../bundle/grants/organisation.ts';
import type { Coverage } from '../evidence/coverage.ts';
import type { Evidence } from '../evidence/gather.ts';
import { type UsageFacts, usageFacts } from '../evidence/usageFacts.ts';

/** The windows that a grant is to be looked at in: detector → where it begins, seconds since 1970. */
export type UsageQuestion = { grant: Grant; windows: Readonly<Record<string, number>> };

export type SeenIn = { facts: UsageFacts; companions: readonly string[] };

/** Many grants look at one window: how much of it is covered is counted once. */
function remembered(coverage: Coverage, historyFrom: number | null): Coverage {
  const shares = new Map<string, { share: number; lost: number }>();
  const known = (from: number, to: number) => {
    const key = `${from} ${to}`;
    // What a grant was before the history begins nobody can tell: silence then says nothing about it.
    const blind = historyFrom !== null && from < historyFrom;
    const found = shares.get(key) ?? {
      share: blind ? 0 : coverage.share(from, to),
      lost: coverage.lost(from, to),
    };
    shares.set(key, found);
    return found;
  };
  return {
    share: (from, to) => known(from, to).share,
    lost: (from, to) => known(from, to).lost,
    instances: coverage.instances,
  };
}

/** Looks up what was used in windows: detector → what was seen, in the order asked. */
type UsageIn = (asked: readonly UsageQuestion[]) => Promise<Map<string, SeenIn>[]>;

async function createUsageIn({ usage, asOf, history, ...evidence }: Evidence): Promise<UsageIn> {
  const coverage = remembered(evidence.coverage, history.from);
  return async (asked) => {
    // Several detectors look at one window of a grant: it is looked up once.
    const once = asked.flatMap(({ grant, windows }, index) =>
      [...new Set(Object.values(windows))].map((from) => ({ index, grant: grant.id, from })),
    );
    const used = await usage.windows(once);
    const facts = asked.map(() => new Map<number, UsageFacts>());
    for (const [i, { index, from }] of once.entries())
      facts[index]?.set(from, usageFacts({ from, to: asOf }, { used: used[i] ?? null, coverage }));
    const spare = asked.flatMap(({ grant, windows: { redundant: from } }) =>
      from === undefined ? [] : [{ grant: grant.id, from }],
    );
    const companions = await usage.companions(spare);
    let next = 0;
    return asked.map(({ windows }, index) => {
      const seen = new Map<string, SeenIn>();
      for (const [name, from] of Object.entries(windows)) {
        const others = name === 'redundant' ? (companions[next++] ?? []) : [];
        const its = facts[index]?.get(from);
        if (its !== undefined) seen.set(name, { facts: its, companions: others });
      }
      return seen;
    });
  };
}

/** So many grants are looked up in one query; those of the next are in memory at the same time. */
const atOnce = 5_000;

/**
 * Looks up what was used, portion after portion of the grants: the next one while whoever takes them is busy with this
 * one.
 */
export async function* lookUpUsage(
  evidence: Evidence,
  asked: readonly UsageQuestion[],
): AsyncGenerator<readonly [some: readonly UsageQuestion[], used: readonly Map<string, SeenIn>[]]> {
  const usageIn = await createUsageIn(evidence);
  const from = (at: number) => {
    const some = asked.slice(at, at + atOnce);
    const used = some.length === 0 ? Promise.resolve([]) : usageIn(some);
    // Whether it failed is asked at its turn, if that comes.
    used.catch(() => {});
    return { some, used };
  };
  let coming = from(0);
  try {
    for (let at = 0; at < asked.length; at += atOnce) {
      const { some, used } = coming;
      const found = await used;
      coming = from(at + atOnce);
      yield [some, found];
    }
  } finally {
    // The database may be closed after this.
    await coming.used.catch(() => {});
  }
}
