import { endOf } from '../../../bundle/grants/dates.ts';
import type { Frozen } from '../../campaign/frozen.ts';
import { partRemembered, unpackAnswers } from '../../campaign/marker.ts';
import type { PartReport } from '../../campaign/report.ts';
import { partsOfCampaign } from '../../campaign/rows.ts';
import { latest } from '../../campaign/settlePart.ts';
import type { Forge, ForgePull } from '../../forge/forge.ts';
import { stopIfAborted } from '../../reviewError.ts';
import { noticesOf } from '../noticesOf.ts';
import type { PartFacts } from './campaignInput.ts';

type Asked = { frozen: Frozen; known: readonly ForgePull[]; until: number; signal?: AbortSignal | undefined };

/** When a part ended, seconds since 1970; null while it has not. What somebody closed may be opened again until the due date. */
export function endedAt(
  pull: Pick<ForgePull, 'merged' | 'state' | 'closedMs' | 'body' | 'isOurs'>,
  { due }: Pick<Frozen, 'due'>,
): number | null {
  if (pull.state === 'open' || pull.closedMs === null) return null;
  const closed = pull.closedMs / 1000;
  const isEnd = pull.merged || partRemembered(pull)?.closed !== undefined;
  return isEnd ? closed : Math.max(closed, endOf(due));
}

/** Asks the forge what it knows of each part, besides how it stands. Throws ForgeError, ReviewError `aborted`. */
export async function partFacts(
  parts: readonly PartReport[],
  forge: Pick<Forge, 'mergeOf' | 'comments'>,
  { frozen, known, until, signal }: Asked,
): Promise<PartFacts[]> {
  const asked = new Map(partsOfCampaign(frozen).map(({ owner, entries }) => [owner, entries]));
  const facts: PartFacts[] = [];
  for (const part of parts) {
    stopIfAborted(signal);
    const entries = asked.get(part.owner) ?? [];
    const pull = latest(known.filter(({ branch }) => branch === part.branch));
    const marker = pull === undefined ? null : partRemembered(pull);
    const answers = unpackAnswers(marker?.answers ?? [], entries.length);
    facts.push({
      ...part,
      entries,
      opened: pull === undefined ? null : pull.createdMs / 1000,
      ended: pull === undefined ? null : endedAt(pull, frozen),
      merge: pull?.merged ? await forge.mergeOf(pull.number) : null,
      answers: new Map(
        [...answers]
          .sort(([a], [b]) => a - b)
          .flatMap(([number, answer]) => {
            const entry = entries[number];
            return entry === undefined ? [] : [[entry.grant, answer] as const];
          }),
      ),
      unanswered: marker?.unanswered ?? null,
      isChanged: pull !== undefined && !pull.isOurs,
      notices: pull === undefined ? [] : await noticesOf(forge, pull.number, until),
    });
  }
  return facts;
}
