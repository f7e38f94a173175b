import type { Random } from '../../../demo/random.ts';

/** Instance → the lines of its log. */
export type Logs = ReadonlyMap<string, readonly string[]>;

/** One thing that happens to logs: lines, records or heartbeats are lost in places, or all of one gateway. */
export function damaged(logs: Logs, draw: Random): Logs {
  const hit = draw.pick([...logs.keys()]);
  const kind = draw.below(5);
  return new Map(
    [...logs].map(([instance, lines]) => {
      if (instance !== hit) return [instance, lines];
      const from = draw.below(lines.length);
      const end = from + 1 + draw.below(Math.ceil((lines.length - from) / 2));
      if (kind === 0) return [instance, []];
      if (kind === 1) return [instance, lines.slice(0, from)];
      if (kind === 2) return [instance, lines.slice(Math.max(1, from))];
      const isLost = (line: string, at: number) =>
        at >= from && at < end && (kind === 3 || !line.includes('"heartbeat"'));
      return [instance, lines.filter((line, at) => !isLost(line, at))];
    }),
  );
}
