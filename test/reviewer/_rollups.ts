import { createUsageDay } from '../../gateway/record/usageDay.ts';

/** The roll-ups of a log's lines as a gateway makes them: day → lines. Files are by the day of the line. */
export function rollupsOf(lines: readonly string[], instance: string): Map<string, string[]> {
  const days = new Map<string, ReturnType<typeof createUsageDay>>();
  for (const text of lines) {
    const line = JSON.parse(text);
    const day = String(line.timestamp).slice(0, 10);
    const known = days.get(day) ?? createUsageDay(day, instance);
    days.set(day, known);
    known.add(line, line.seq);
  }
  return new Map([...days].map(([day, one]) => [day, [...one.lines()].map((line) => JSON.stringify(line))]));
}
