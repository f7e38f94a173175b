import { instantOf } from '../../bundle/format/times.ts';
import { listed } from '../plan/sentence.ts';
import { type Effect, type Effects, lostOf, type Replay } from './replay.ts';
import {
  allowedWhy,
  coverageOf,
  deniedWhy,
  doubtOf,
  endingWhy,
  gainsOf,
  leftOutOf,
  lossOf,
  number,
  requests,
  sentenceOf,
} from './replayWords.ts';

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

function section(title: string, { by, more }: Effects, why: (effect: Effect) => string, most: number) {
  if (by.length === 0) return [];
  const lines = ['', title];
  for (const effect of by.slice(0, most)) {
    const { subject, api, operation, requests: count, last, grants } = effect;
    lines.push(
      ...wrapped(`${subject}: ${operation} of ${api}`, 2),
      ...wrapped(`${requests(count)}, the last at ${instantOf(last)}`, 4),
      ...wrapped(`${why(effect)}${grants.length > 0 ? ` (by ${listed(grants)})` : ''}`, 4),
    );
  }
  const rest = Math.max(0, by.length - most) + more;
  return rest > 0 ? [...lines, `  … and ${number(rest)} more; --json has them all`] : lines;
}

/** The replay for a terminal of 80 columns; of many callers the `most` frequent ones. */
export function replayText(replay: Replay, most = 20): string {
  const { base, head, asOf, denied, unproven, ending, allowed } = replay;
  const gains = gainsOf(replay);
  const lines = [
    ...wrapped(`${base.slice(0, 12)}..${head.slice(0, 12)}: ${sentenceOf(replay)}`, 0),
    ...(gains === null ? [] : wrapped(gains, 0)),
    ...wrapped(coverageOf(replay), 0),
    ...leftOutOf(replay).flatMap((line) => wrapped(line, 0)),
    ...section('Would be denied:', denied, deniedWhy, most),
    ...section('Cannot be shown:', unproven, doubtOf, most),
    ...section('Would end sooner:', ending, endingWhy, most),
    ...section('Would be allowed:', allowed, allowedWhy, most),
  ];
  const lost = lostOf(replay);
  if (lost.length > 0) lines.push('', 'Would not be found:');
  for (const one of lost.slice(0, most))
    lines.push(...wrapped(`${one.operation} of ${one.api}: ${requests(one.requests)}; ${lossOf(one)}`, 2));
  if (lost.length > most) lines.push(`  … and ${number(lost.length - most)} more; --json has them all`);
  lines.push('', ...wrapped(`Each request was decided as if it came again at ${instantOf(asOf)}.`, 0));
  return `${lines.join('\n')}\n`;
}
