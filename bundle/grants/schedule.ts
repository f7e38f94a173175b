// A window of time as five fields of cron: minute, hour, day of the month, month, day of the week (0 or 7 is Sunday).
// A moment is within it when each field holds it; as with cron, of two restricted days either is enough.

const fields = [
  ['minute', 0, 59],
  ['hour', 0, 23],
  ['day', 1, 31],
  ['month', 1, 12],
  ['weekday', 0, 7],
] as const;

type Field = { any: boolean; holds: ReadonlySet<number> };
export type Schedule = readonly Field[];

function parseField(text: string, from: number, to: number): Field | null {
  const holds = new Set<number>();
  for (const part of text.split(',')) {
    const match = /^(?:\*|(\d{1,2})(?:-(\d{1,2}))?)(?:\/([1-9]\d?))?$/.exec(part);
    if (match === null) return null;
    const [, first, last, step] = match;
    const begin = first === undefined ? from : Number(first);
    const end =
      first === undefined ? to : last === undefined ? (step === undefined ? begin : to) : Number(last);
    if (begin < from || end > to || begin > end) return null;
    for (let value = begin; value <= end; value += Number(step ?? 1)) holds.add(value);
  }
  return { any: text.startsWith('*'), holds };
}

/** Reads `* 6-18 * * 1-5`; null for what is no schedule. */
export function parseSchedule(text: string): Schedule | null {
  const parts = text.trim().split(/\s+/);
  if (parts.length !== fields.length) return null;
  const read = fields.map(([, from, to], index) => parseField(parts[index] ?? '', from, to));
  return read.every((field) => field !== null) ? read : null;
}

/** Whether a name is one of a time zone that this machine knows. */
export function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

/** Whether an instant (ms since 1970) is within a schedule, by the clocks of a time zone. */
export function isWithin(schedule: Schedule, timeZone: string, atMs: number): boolean {
  const format = new Intl.DateTimeFormat('en-GB', {
    timeZone,
    ...{ hourCycle: 'h23', minute: 'numeric', hour: 'numeric', day: 'numeric', month: 'numeric' },
    ...{ year: 'numeric' },
  } as const);
  const parts = new Map(format.formatToParts(atMs).map(({ type, value }) => [type, Number(value)]));
  const get = (type: Intl.DateTimeFormatPartTypes) => parts.get(type) ?? 0;
  const weekday = new Date(Date.UTC(get('year'), get('month') - 1, get('day'))).getUTCDay();
  const [minute, hour, day, month, weekdays] = schedule;
  const holds = (field: Field | undefined, value: number) => field?.holds.has(value) === true;
  if (!holds(minute, get('minute')) || !holds(hour, get('hour')) || !holds(month, get('month'))) return false;
  const onDay = holds(day, get('day'));
  const onWeekday = holds(weekdays, weekday) || (weekday === 0 && holds(weekdays, 7));
  return day?.any || weekdays?.any ? onDay && onWeekday : onDay || onWeekday;
}
