import { dayOf, daySeconds, toTheMinute } from '../../bundle/format/times.ts';
import { coveredMinutes, type InstanceSigns, type Span } from '../evidence/coverage.ts';
import type { Tally, View } from '../evidence/tally.ts';
import { readUsage, type Usage } from '../evidence/usage.ts';
import type { BucketAccess } from '../sources/bucketObjects.ts';
import { openPlaces, type Places } from '../sources/openPlaces.ts';

/** How much of a day the evidence of one instance vouches for; a day it was not there at all has 0 and 0. */
export type CoveredDay = { instance: string; day: string; covered_minutes: number; lost_minutes: number };
/** Something about the evidence that a reader must know; `kind` is stable. */
export type Note = {
  kind:
    | 'unreadable'
    | 'twice'
    | 'copies'
    | 'faulty'
    | 'gap'
    | 'reset'
    | 'skew'
    | 'ahead'
    | 'torn'
    | 'no-person';
  text: string;
};

export type UsageReport = {
  /** Seconds since 1970. */
  from: number;
  to: number;
  records: number;
  rows: AsyncIterable<Tally>;
  coverage: readonly CoveredDay[];
  notes: readonly Note[];
  close(): Promise<void>;
};

type Options = {
  places: readonly string[];
  by: View;
  /** Seconds since 1970; `to` null: all there is up to `now`, and what is stamped later is told. */
  from: number;
  to: number | null;
  readAt: number;
  token: string | null;
  bucket: BucketAccess;
  signal?: AbortSignal | undefined;
};

/**
 * Reads records and roll-ups from wherever they are; each decision counts once. To be closed. Throws ReviewError
 * `source-malformed`, `decisions-malformed`, `decisions-unreadable`, `aborted`.
 */
export async function gatherUsage(options: Options): Promise<UsageReport> {
  const { places, by, from, readAt, token, bucket, signal } = options;
  // A clock that is ahead stamps what is to come.
  const to = options.to ?? readAt + daySeconds;
  const found = await openPlaces({ places, since: dayOf(from), token, bucket, signal });
  let usage: Usage;
  try {
    usage = await readUsage({
      sources: found.decisions,
      rollups: found.rollups,
      asOf: to,
      since: from,
      signal,
    });
  } catch (error) {
    await found.close();
    throw error;
  }
  const until = Math.min(to, readAt);
  const close = async () => {
    await usage.close();
    await found.close();
  };
  try {
    const notes = await notesOf(usage, found, { from, until, readAt });
    const unknown = by === 'person' && found.rollups.length > 0;
    if (unknown)
      notes.push({
        kind: 'no-person',
        text: 'roll-ups do not say who: days that only they have are not here',
      });
    return {
      ...{ from, to: until, records: usage.records, notes, close },
      rows: usage.tally(by, from, to),
      coverage: usage.instances.flatMap((signs) => daysOf(signs, from, until)),
    };
  } catch (error) {
    await close();
    throw error;
  }
}

function daysOf(signs: InstanceSigns, from: number, to: number): CoveredDay[] {
  const days: CoveredDay[] = [];
  for (let start = Math.floor(from / daySeconds) * daySeconds; start < to; start += daySeconds) {
    const span = { from: Math.max(from, start) / 60, to: Math.min(to, start + daySeconds) / 60 };
    const { covered, lost } = coveredMinutes(signs, { from: Math.floor(span.from), to: Math.floor(span.to) });
    days.push({ instance: signs.instance, day: dayOf(start), covered_minutes: covered, lost_minutes: lost });
  }
  return days;
}

type Window = { from: number; until: number; readAt: number };

async function notesOf(usage: Usage, found: Places, { from, until, readAt }: Window): Promise<Note[]> {
  const notes: Note[] = [];
  const add = (kind: Note['kind'], text: string) => notes.push({ kind, text });
  for (const { file, reason } of [...found.unreachable, ...usage.unreadable])
    add('unreadable', `${found.origin(file)}: ${reason}; what it holds is missing`);
  for (const { file, as } of found.twice) add('twice', `${file} is ${as} once more`);
  for (const { instance, day, reason } of usage.faulty)
    add('faulty', `${instance}: the roll-up of ${day} covers nothing: ${reason}`);
  if (usage.torn > 0) add('torn', `files that end in a torn line: ${usage.torn}`);
  const inside = ({ from: a, to: b }: Span) => b * 60 > from && a * 60 < until;
  for (const { instance, gaps, repeated, copies, last } of usage.instances) {
    if (repeated > 0)
      add(
        'reset',
        `${instance}: ${repeated} numbers were given twice, so its count began again or two gateways share the name`,
      );
    else if (copies) add('copies', `${instance}: records were given more than once, and count once`);
    for (const gap of gaps.filter(inside))
      if (repeated === 0)
        add(
          'gap',
          `${instance}: records are missing between ${toTheMinute(gap.from * 60)} and ${toTheMinute(gap.to * 60)}`,
        );
    if (last * 60 > readAt + 60)
      add('ahead', `${instance}: its clock is ahead: it writes of ${toTheMinute(last * 60)}`);
  }
  for (const { instance, minutes } of await usage.skews())
    add('skew', `${instance}: its clock went back by up to ${minutes} minutes`);
  return notes;
}
