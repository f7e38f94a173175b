/** Whole minutes since 1970, `to` exclusive. */
export type Span = { from: number; to: number };

/** What the log shows of one instance; times in whole minutes since 1970. */
export type InstanceSigns = {
  instance: string;
  /** The minutes of its first and last sign of life (record, heartbeat, or that it stopped). */
  first: number;
  last: number;
  /** Its numbers are there from the first one on; else it lived before `first`, and what it did then is missing. */
  whole: boolean;
  /** Minutes with a sign of life, sorted, not touching. */
  seen: readonly Span[];
  /** Minutes in which it stopped for good or for a while: the silence after them is none. */
  ends: readonly number[];
  /** Minutes with a heartbeat or an orderly end, sorted, not touching. */
  beats: readonly Span[];
  /** Minutes in which records may be missing: from the sign before a missing `seq` to the sign after it. */
  gaps: readonly Span[];
  /** Numbers that two different records have: then none tells what is missing. */
  repeated: number;
  /** Some lines were given twice. */
  copies: boolean;
  /** By how many minutes its clock is ahead, at least. */
  ahead: number;
};

/** What is known of instances beside their logs; instants in seconds since 1970. */
export type Expected = {
  presumedGoneDays: number;
  /** Instances that must be there. */
  instances: readonly string[];
  retired: readonly { instance: string; at: number }[];
  /** Time whose evidence is there and cannot be read. */
  unreadable: readonly Span[];
};

export type Coverage = {
  /** The covered share of the minutes between two instants (seconds since 1970), from 0 to 1. */
  share(from: number, to: number): number;
  /** How many of those minutes are not covered. */
  lost(from: number, to: number): number;
  /** How many instances showed a sign of life in them. */
  instances(from: number, to: number): number;
};

const none: Expected = { presumedGoneDays: 7, instances: [], retired: [], unreadable: [] };

/**
 * When an instance was alive: from its first record on (before it too, when earlier numbers are missing), and after each
 * sign of life until the next one, an orderly end, its retirement, or so many days of silence that it is presumed gone.
 */
function livesOf(signs: InstanceSigns, { presumedGoneDays, instances, retired }: Expected): Span[] {
  const { instance, seen, whole } = signs;
  const patience = instances.includes(instance) ? Number.POSITIVE_INFINITY : presumedGoneDays * 1440;
  const ended = new Set(signs.ends);
  const retirements = retired.filter((one) => one.instance === instance).map(({ at }) => Math.floor(at / 60));
  const lives: Span[] = whole ? [] : [{ from: Number.NEGATIVE_INFINITY, to: seen[0]?.from ?? 0 }];
  for (const { from, to } of seen) {
    lives.push({ from, to });
    if (ended.has(to - 1)) continue;
    const retirement = Math.min(...retirements.filter((at) => at >= to - 1));
    lives.push({ from: to, to: Math.max(to, Math.min(to + patience, retirement)) });
  }
  return lives;
}

/** Of one instance between two minutes: how many it covers, and in how many it was alive and something is missing. */
export function coveredMinutes(
  signs: InstanceSigns,
  { from, to }: Span,
  expected: Expected = none,
): { covered: number; lost: number } {
  const alive = subtract(union(livesOf(signs, expected)), [
    { from: Number.NEGATIVE_INFINITY, to: from },
    { from: to, to: Number.POSITIVE_INFINITY },
  ]);
  const broken = union([...subtract(alive, signs.beats), ...signs.gaps]);
  const sum = (spans: readonly Span[]) => spans.reduce((minutes, span) => minutes + span.to - span.from, 0);
  const covered = sum(subtract(alive, broken));
  return { covered, lost: sum(alive) - covered };
}

/**
 * Tells how much of a window the records vouch for. A minute is covered when at least one instance was alive and each
 * instance alive then has a heartbeat and no missing `seq` in it. A minute in which nobody is known to have lived is
 * not covered: silence of the evidence is not silence of the callers. The minute an instant lies in is not over, so it
 * does not count; a window shorter than a minute has no coverage.
 */
export function coverageOf(instances: readonly InstanceSigns[], expected: Expected = none): Coverage {
  const lives = instances.map((signs) => ({ signs, alive: union(livesOf(signs, expected)) }));
  const known = new Set(instances.map(({ instance }) => instance));
  const unseen = expected.instances.some((name) => !known.has(name));
  const alive = union(lives.flatMap((life) => life.alive));
  const broken = union([
    ...lives.flatMap(({ signs, alive }) => [...subtract(alive, signs.beats), ...signs.gaps]),
    ...expected.unreadable,
    ...(unseen ? [{ from: Number.NEGATIVE_INFINITY, to: Number.POSITIVE_INFINITY }] : []),
  ]);
  const covered = subtract(alive, broken);
  /** Minutes covered before each span, to answer any window by two look-ups. */
  const before = [0];
  for (const { from, to } of covered) before.push((before.at(-1) ?? 0) + to - from);

  const coveredUntil = (minute: number): number => {
    let low = 0;
    let high = covered.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((covered[middle]?.from ?? 0) < minute) low = middle + 1;
      else high = middle;
    }
    const span = covered[low - 1];
    if (span === undefined) return 0;
    return (before[low - 1] ?? 0) + Math.min(minute, span.to) - span.from;
  };
  const minutes = (from: number, to: number) => {
    const [first, end] = [Math.floor(from / 60), Math.floor(to / 60)];
    const all = Math.max(0, end - first);
    return { all, covered: all === 0 ? 0 : coveredUntil(end) - coveredUntil(first) };
  };
  return {
    share(from, to) {
      const counted = minutes(from, to);
      return counted.all === 0 ? 0 : counted.covered / counted.all;
    },
    lost(from, to) {
      const counted = minutes(from, to);
      return counted.all - counted.covered;
    },
    instances: (from, to) =>
      instances.filter(({ first, last }) => last >= Math.floor(from / 60) && first <= Math.floor(to / 60))
        .length,
  };
}

/** Sorted spans that neither overlap nor touch. */
export function union(spans: readonly Span[]): Span[] {
  const merged: Span[] = [];
  for (const { from, to } of [...spans].sort((a, b) => a.from - b.from)) {
    const last = merged.at(-1);
    if (last !== undefined && from <= last.to) last.to = Math.max(last.to, to);
    else if (from < to) merged.push({ from, to });
  }
  return merged;
}

/** What is left of `spans` without `holes`; both sorted, neither overlapping itself. */
function subtract(spans: readonly Span[], holes: readonly Span[]): Span[] {
  const left: Span[] = [];
  let next = 0;
  for (const span of spans) {
    let { from } = span;
    while (next > 0 && (holes[next - 1]?.to ?? 0) > from) next -= 1;
    for (let hole = holes[next]; hole !== undefined && hole.from < span.to; hole = holes[++next]) {
      if (hole.to <= from) continue;
      if (hole.from > from) left.push({ from, to: hole.from });
      from = hole.to;
    }
    if (from < span.to) left.push({ from, to: span.to });
  }
  return left;
}
