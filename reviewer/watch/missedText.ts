import { counted, listed } from '../../bundle/format/counted.ts';
import { dayOf } from '../../bundle/format/times.ts';
import { cell, code } from '../forge/markdown.ts';
import { nameOf } from '../plan/sentence.ts';
import type { Missed } from './missedGrants.ts';

const most = 10;

const times = (count: number) => (count === 1 ? 'once' : `${count} times`);

/** One sentence: who was denied what since, how often. */
export function missedSentence({ grant, how, at, denied }: Missed): string {
  const who = [...new Set(denied.map(({ subject }) => nameOf(subject)))];
  const operations = [...new Set(denied.map(({ operation }) => operation))];
  const count = denied.reduce((sum, one) => sum + one.count, 0);
  return `${grant}, ${how} on ${dayOf(at)}, is missed: ${listed(who)} ${who.length === 1 ? 'was' : 'were'} denied ${listed(operations)} ${times(count)} since`;
}

/** What is said once where it was merged. `restore`: the pull request that gives it back, where one was prepared. */
export function missedComment(missed: Missed, restore: string | null): string {
  const rows = missed.denied
    .slice(0, most)
    .map(
      ({ subject, operation, count, last }) =>
        `| ${cell(code(subject))} | ${code(operation)} | ${count} | ${dayOf(last)} |`,
    );
  const rest = missed.denied.length - rows.length;
  return [
    missedMark(missed.grant),
    `${code(missed.grant)} is missed. Since it was ${missed.how}, these requests were denied that it had allowed:`,
    ['| who | operation | denied | last |', '| --- | --- | ---: | --- |', ...rows].join('\n'),
    ...(rest > 0 ? [`… and ${counted(rest, 'more row')}.`] : []),
    restore === null
      ? `\`grantgate restore ${missed.grant}\` gives it back, if that is right.`
      : `Merging ${restore} gives it back, if that is right; closing it leaves things as they are.`,
  ].join('\n\n');
}

/** In each such comment, so that it is made once. */
export const missedMark = (grant: string): string => `<!-- grantgate:missed ${grant} -->`;
