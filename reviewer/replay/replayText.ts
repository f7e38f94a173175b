import { listed } from '../../bundle/format/counted.ts';
import { instantOf } from '../../bundle/format/times.ts';
import type { Replay } from './replay.ts';
import { number, type ReplayWords, replayWords, requests } from './replayWords.ts';

const columns = 80;

/** A line in as many as it needs, at words and, where a word is longer than a line, anywhere. */
function wrapped(text: string, indent: number): string[] {
  const room = columns - indent;
  const lines: string[] = [];
  let line = '';
  // Names from records reach the terminal: what would move its cursor does not.
  for (const word of text.replace(/\p{Cc}+/gu, ' ').split(' ')) {
    if (line !== '' && line.length + 1 + word.length > room) {
      lines.push(line);
      line = '';
    }
    line = line === '' ? word : `${line} ${word}`;
    for (; line.length > room; line = line.slice(room)) lines.push(line.slice(0, room));
  }
  return [...lines, line].map((one) => ' '.repeat(indent) + one);
}

function section({ title, by, more }: ReplayWords['parts'][number], most: number): string[] {
  const lines = ['', `${title}:`];
  for (const effect of by.slice(0, most)) {
    const { subject, api, operation, requests: count, last, why, grants } = effect;
    lines.push(
      ...wrapped(`${subject}: ${operation} of ${api}`, 2),
      ...wrapped(`${requests(count)}, the last at ${instantOf(last)}`, 4),
      ...wrapped(`${why}${grants.length > 0 ? ` (by ${listed(grants)})` : ''}`, 4),
    );
  }
  const rest = Math.max(0, by.length - most) + more;
  return rest > 0 ? [...lines, `  … and ${number(rest)} more; --json has them all`] : lines;
}

/** The replay for a terminal of 80 columns; of many callers the `most` frequent ones. */
export function replayText(replay: Replay, most = 20): string {
  const { base, head, asOf } = replay;
  const { sentence, gains, coverage, leftOut, parts, lost } = replayWords(replay);
  const lines = [
    ...wrapped(`${base.slice(0, 12)}..${head.slice(0, 12)}: ${sentence}`, 0),
    ...(gains === null ? [] : wrapped(gains, 0)),
    ...wrapped(coverage, 0),
    ...leftOut.flatMap((line) => wrapped(line, 0)),
    ...parts.flatMap((part) => section(part, most)),
  ];
  if (lost.by.length > 0) lines.push('', `${lost.title}:`);
  for (const { operation, api, requests: count, why } of lost.by.slice(0, most))
    lines.push(...wrapped(`${operation} of ${api}: ${requests(count)}; ${why}`, 2));
  if (lost.by.length > most) lines.push(`  … and ${number(lost.by.length - most)} more; --json has them all`);
  lines.push('', ...wrapped(`Each request was decided as if it came again at ${instantOf(asOf)}.`, 0));
  return `${lines.join('\n')}\n`;
}
