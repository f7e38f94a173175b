import { type InstanceSigns, type Span, union } from './coverage.ts';
import type { Row } from './database.ts';
import type { Instants } from './rollupSql.ts';
import type { Rollups } from './rollups.ts';
import { gapsOf, latestOf, livesOf, minutesOf, repeatsOf } from './usageSql.ts';

type Read = (sql: string) => Promise<Row[]>;

/**
 * What records, and roll-ups where there are some, show of each instance, sorted by name. Of a clock that is ahead the
 * minutes since it would have been right are gaps: what it stamped before them is older than it says. Instants in ms.
 */
export async function instancesOf(
  read: Read,
  rollups: Rollups | null,
  { asOfMs, nowMs }: Instants,
): Promise<InstanceSigns[]> {
  const alive = await read(livesOf);
  const lives = new Map(alive.map((row) => [String(row.instance), row]));
  const rolled = new Map(rollups?.lives.map((row) => [String(row.instance), row]));
  const minutes = await read(minutesOf);
  const minutesWith = (kind: 'seen' | 'beat' | 'end') => minutes.filter((row) => row.kind === kind);
  const [told, rolledSeen] = [spansByInstance(minutesWith('seen')), spansByInstance(rollups?.seen ?? [])];
  const beats = spansByInstance([...minutesWith('beat'), ...(rollups?.beats ?? [])]);
  const ends = spansByInstance(minutesWith('end'));
  const rolledEnds = spansByInstance(rollups?.ends ?? []);
  // A number that two decisions have is there more than once.
  const isRepeated = alive.some(({ copies }) => copies === true);
  const again = [...(isRepeated ? await read(repeatsOf) : []), ...(rollups?.repeats ?? [])];
  const repeats = spansByInstance(again);
  const repeated = new Map<string, number>();
  for (const { instance, numbers } of again)
    repeated.set(String(instance), (repeated.get(String(instance)) ?? 0) + Number(numbers));
  const ahead = new Map<string, number>();
  for (const { instance, minute } of [...(await read(latestOf)), ...(rollups?.latest ?? [])]) {
    const minutes = Number(minute) - Math.floor(nowMs / 60_000);
    ahead.set(String(instance), Math.max(minutes, ahead.get(String(instance)) ?? 0));
  }
  const end = Math.floor(asOfMs / 60_000);
  const gaps = spansByInstance(await read(gapsOf(rollups !== null)));
  for (const [instance, minutes] of ahead)
    gaps.set(instance, [...(gaps.get(instance) ?? []), { from: end - minutes, to: end + 1 }]);
  const names = [...new Set([...lives.keys(), ...rolled.keys()])].sort((a, b) => (a < b ? -1 : 1));
  return names.map((instance) => {
    const life = lives.get(instance);
    const next = Math.min(Number(life?.next ?? Infinity), Number(rolled.get(instance)?.next ?? Infinity));
    const [here, there] = [told.get(instance) ?? [], rolledSeen.get(instance) ?? []];
    const seen = union([...here, ...there]);
    const [ended, over] = [minutesIn(ends.get(instance)), minutesIn(rolledEnds.get(instance))];
    return {
      instance,
      first: seen[0]?.from ?? 0,
      last: (seen.at(-1)?.to ?? 1) - 1,
      whole: next <= 1,
      seen,
      // Whoever saw the minute must have seen that nothing followed in it.
      ends: [...new Set([...ended, ...over])].filter(
        (at) => (ended.has(at) || !isIn(here, at)) && (over.has(at) || !isIn(there, at)),
      ),
      beats: union(beats.get(instance) ?? []),
      gaps: [...(gaps.get(instance) ?? []), ...(repeats.get(instance) ?? [])],
      repeated: repeated.get(instance) ?? 0,
      copies: life?.copies === true,
      ahead: ahead.get(instance) ?? 0,
    };
  });
}

function spansByInstance(rows: readonly Row[]): Map<string, Span[]> {
  const spans = new Map<string, Span[]>();
  for (const { instance, from, to } of rows) {
    const span = { from: Number(from), to: Number(to) };
    const known = spans.get(String(instance));
    if (known) known.push(span);
    else spans.set(String(instance), [span]);
  }
  return spans;
}

const isIn = (spans: readonly Span[], minute: number) =>
  spans.some(({ from, to }) => from <= minute && minute < to);

const minutesIn = (spans: readonly Span[] = []) =>
  new Set(spans.flatMap(({ from, to }) => Array.from({ length: to - from }, (_, index) => from + index)));
