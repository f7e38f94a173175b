import { dayOf, daySeconds } from '../../bundle/format/times.ts';
import { startOf } from '../../bundle/grants/dates.ts';
import type { Finding } from '../plan/finding.ts';
import { entriesOf } from './text/body.ts';
import type { Entry, Marker } from './text/marker.ts';

/** So many days, and half of what is left at most, an end that was proposed may lie before the one of today. */
const mostDays = 7;

/**
 * What findings propose today, with the ends of some days ago where the text of a pull request says so: an end that counts
 * from the day of the review is another each day, and what waits for its checks would be written anew instead of merged.
 * Nothing else is taken from a text, into which whoever may push can write.
 */
export function stillProposed(
  findings: readonly Finding[],
  { entries }: Pick<Marker, 'entries'>,
  endDays: number,
): Entry[] {
  const said = new Map(entries.map(({ fingerprint, set }) => [fingerprint, set]));
  const most = Math.min(mostDays, Math.floor(endDays / 2));
  return entriesOf(findings).map((entry) => {
    const [before, now] = [endIn(said.get(entry.fingerprint)), endIn(entry.set)];
    if (entry.detector !== 'one-off' || before === null || now === null) return entry;
    const days = Array.from({ length: most + 1 }, (_, back) => dayOf(startOf(now) - back * daySeconds));
    return days.includes(before) ? { ...entry, set: { expires: before } } : entry;
  });
}

const endIn = (set: Entry['set']): string | null =>
  set !== undefined && 'expires' in set ? set.expires : null;
