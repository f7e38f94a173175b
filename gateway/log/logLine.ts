const names: Readonly<Record<number, string>> = {
  20: 'debug',
  30: 'info',
  40: 'warn',
  50: 'error',
  60: 'fatal',
};

// What others sent must not steer the terminal: escape sequences, line feeds, marks that turn text around.
const steering = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;
const plain = (text: string) =>
  text.replace(steering, (mark) => `\\u${(mark.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`);
const shown = (value: unknown) =>
  plain(typeof value === 'string' && /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value));

/** A line of the log, in JSON, as text for people: local time, level, what happened, its facts. */
export function logLine(json: string): string {
  const {
    level,
    time,
    msg = '',
    err,
    pid: _,
    hostname: __,
    ...facts
  } = JSON.parse(json) as Record<string, unknown>;
  const at = new Date(Number(time));
  const two = (number: number) => String(number).padStart(2, '0');
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  const clock = `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}.${String(at.getMilliseconds()).padStart(3, '0')}`;
  const rest = Object.entries(facts).map(([key, value]) => ` ${plain(key)}=${shown(value)}`);
  const head = `${day} ${clock} ${(names[Number(level)] ?? String(level)).padEnd(5)} ${plain(String(msg))}${rest.join('')}`;
  if (typeof err !== 'object' || err === null) return `${head}\n`;
  const { message, code, stack } = err as { message?: unknown; code?: unknown; stack?: unknown };
  const cause = `: ${plain(String(message))}${code === undefined ? '' : ` (${plain(String(code))})`}\n`;
  const trace = typeof stack === 'string' ? stack.split('\n').filter((line) => /^\s+at /.test(line)) : [];
  // A refusal with a code tells all there is to do; where a fault of ours comes from, only its trace tells.
  return `${head}${cause}${code === undefined ? trace.map((line) => `${plain(line)}\n`).join('') : ''}`;
}
