import { instantOf } from '../../bundle/format/times.ts';
import { cell, code, prose } from '../forge/markdown.ts';
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
  sentenceOf,
} from './replayWords.ts';

const row = (...cells: string[]) => `| ${cells.map(cell).join(' | ')} |`;

function table(title: string, { by, more }: Effects, why: (effect: Effect) => string, most: number) {
  if (by.length === 0) return [];
  const rows = by
    .slice(0, most)
    .map((effect) =>
      row(
        code(effect.subject),
        `${code(effect.operation)} of ${code(effect.api)}`,
        number(effect.requests),
        instantOf(effect.last),
        prose(why(effect)),
      ),
    );
  const rest = by.length - rows.length + more;
  const others = rest > 0 ? [`\n… and ${number(rest)} more; \`grantgate replay --json\` has them all.`] : [];
  return [
    [
      `**${title}**\n`,
      '| who | what | requests | last | |',
      '| --- | --- | ---: | --- | --- |',
      ...rows,
      ...others,
    ].join('\n'),
  ];
}

/** The replay for a pull request; tables end after `most` callers, with how many more there are. */
export function replayMarkdown(replay: Replay, most = 20): string {
  const { base, head, asOf, denied, unproven, ending, allowed } = replay;
  const gains = gainsOf(replay);
  const lost = lostOf(replay).map(
    (one) => `- ${code(one.operation)} of ${code(one.api)}: ${number(one.requests)}, ${prose(lossOf(one))}`,
  );
  const parts = [
    `**${prose(sentenceOf(replay))}**${gains === null ? '' : ` ${prose(gains)}`}`,
    [coverageOf(replay), ...leftOutOf(replay)].map(prose).join(' '),
    ...table('Would be denied', denied, deniedWhy, most),
    ...table('Cannot be shown', unproven, doubtOf, most),
    ...table('Would end sooner', ending, endingWhy, most),
    ...table('Would be allowed', allowed, allowedWhy, most),
    ...(lost.length > 0
      ? [
          [
            '**Would not be found**\n',
            ...lost.slice(0, most),
            ...(lost.length > most ? [`- … and ${number(lost.length - most)} more`] : []),
          ].join('\n'),
        ]
      : []),
    `<sub>Each request decided by \`${base.slice(0, 12)}\` and \`${head.slice(0, 12)}\` as if it came again at ${instantOf(asOf)}.</sub>`,
  ];
  return `${parts.join('\n\n')}\n`;
}
