import { instantOf } from '../../bundle/format/times.ts';
import { cell, code, prose } from '../forge/markdown.ts';
import type { Replay } from './replay.ts';
import { number, type ReplayWords, replayWords } from './replayWords.ts';

const row = (...cells: string[]) => `| ${cells.map(cell).join(' | ')} |`;

function table({ title, by, more }: ReplayWords['parts'][number], most: number): string {
  const rows = by
    .slice(0, most)
    .map((effect) =>
      row(
        code(effect.subject),
        `${code(effect.operation)} of ${code(effect.api)}`,
        number(effect.requests),
        instantOf(effect.last),
        prose(effect.why),
      ),
    );
  const rest = by.length - rows.length + more;
  const others = rest > 0 ? [`\n… and ${number(rest)} more; \`grantgate replay --json\` has them all.`] : [];
  return [
    `**${title}**\n`,
    '| who | what | requests | last | |',
    '| --- | --- | ---: | --- | --- |',
    ...rows,
    ...others,
  ].join('\n');
}

/** The replay for a pull request; tables end after `most` callers, with how many more there are. */
export function replayMarkdown(replay: Replay, most = 20): string {
  const { base, head, asOf } = replay;
  const { sentence, gains, coverage, leftOut, parts, lost } = replayWords(replay);
  const losses = lost.by.map(
    (one) => `- ${code(one.operation)} of ${code(one.api)}: ${number(one.requests)}, ${prose(one.why)}`,
  );
  const said = [
    `**${prose(sentence)}**${gains === null ? '' : ` ${prose(gains)}`}`,
    [coverage, ...leftOut].map(prose).join(' '),
    ...parts.map((part) => table(part, most)),
    ...(losses.length > 0
      ? [
          [
            `**${lost.title}**\n`,
            ...losses.slice(0, most),
            ...(losses.length > most ? [`- … and ${number(losses.length - most)} more`] : []),
          ].join('\n'),
        ]
      : []),
    `<sub>Each request decided by \`${base.slice(0, 12)}\` and \`${head.slice(0, 12)}\` as if it came again at ${instantOf(asOf)}.</sub>`,
  ];
  return `${said.join('\n\n')}\n`;
}
