import { counted } from '../../../bundle/format/counted.ts';
import { code } from '../../forge/markdown.ts';
import { combine } from '../../plan/combine.ts';
import { losses } from '../../plan/losses.ts';
import { editFor } from './decision.ts';
import type { Entry } from './marker.ts';
import { decided, heading, losesLine, sectionMark } from './section.ts';
import type { At } from './whoLoses.ts';

/** Stands before what follows the last section. */
export const tailMark = '<!-- grantgate:tail -->';
/** Around what recorded requests say of the commit that a text was written for. */
const replayMarks = ['<!-- grantgate:replay -->', '<!-- grantgate:replay-end -->'] as const;
export const replayPart = (text: string): string => `${replayMarks[0]}\n${text}\n${replayMarks[1]}`;
const waits = '**Not replayed yet**';
/** What is said in place of a replay of another commit than the one that is proposed. */
export const unreplayed = `${waits}: recorded requests were decided by what was proposed before; the next review that has records replays them anew.`;
const replayed = new RegExp(`\\n*${replayMarks[0]}[^]*?${replayMarks[1]}`, 'g');

/** Whether a text says, or once said, what recorded requests did. */
export const hasReplay = (own: string): boolean => own.includes(replayMarks[0]);
/** Whether another commit is proposed than the one that was replayed. */
export const awaitsReplay = (own: string): boolean => own.includes(`${replayMarks[0]}\n${waits}`);
/** The text with what recorded requests say of its commit, in the place of what they said before. */
export const withReplay = (own: string, replay: string): string =>
  own.replace(replayed, () => `\n\n${replayPart(replay)}`);

type Judged = {
  /** As of when, and at which revision. */
  asOf: string;
  revision: string | null;
  records: number;
  instances: number;
  from: string;
  /** As people read it: `99.98 %`. */
  coverage: string;
};

/** By what a text was judged, in a line of it; {@link judgedIn} reads it. */
export const judgedLine = ({ asOf, revision, records, instances, from, coverage }: Judged): string =>
  `Judged as of ${asOf} at revision ${revision === null ? 'unknown' : code(revision)}: ${counted(records, 'decision record')} of ${counted(instances, 'gateway')} since ${from}, coverage ${coverage}.`;

const judged =
  /^Judged as of (\S+) at revision (?:`([0-9a-f]{40})`|\S+): ([\d,]+) decision records? of ([\d,]+) gateways? since (\S+), coverage ([\d.]+ %)\./m;

/** By what a text was judged, and the first line of its replay. */
export type Basis = Judged & { replay: string | null };

const numberOf = (written = '') => Number(written.replaceAll(',', ''));

/** What a pull request said that it rests on: its evidence, and the first line of its replay; null for none of ours. */
export function judgedIn(own: string): Basis | null {
  const text = own.replace(/\r\n/g, '\n');
  const [found, asOf = '', revision, records, instances, from = '', coverage = ''] = judged.exec(text) ?? [];
  if (found === undefined) return null;
  const [replay = ''] = new RegExp(replayed.source).exec(text) ?? [];
  const line = replay
    .split('\n')
    .find((one) => /[A-Za-z0-9]/.test(one) && !one.startsWith('<!--') && !one.startsWith('#'));
  return {
    ...{ asOf, revision: revision ?? null, records: numberOf(records), instances: numberOf(instances) },
    ...{ from, coverage, replay: line?.replaceAll('**', '') ?? null },
  };
}

/** Ends a text that is not whole. */
export const leftOut = (omitted: number): string =>
  `**${counted(omitted, 'further finding')} ${omitted === 1 ? 'is' : 'are'} left out here, for a description holds no more: see the files changed.**`;
export const leftOutLine = /\n*\*\*[\d,]+ further findings? (?:is|are) left out here[^\n]*$/;

const begins = /^<!-- grantgate:grant ([0-9a-f]{32}) -->$/gm;

/** A pull request's text in its parts, so that a decision is written without the evidence being gathered anew. */
export type OwnText = { head: string; sections: ReadonlyMap<string, string>; tail: string };

/** Takes a text apart as it was written, whatever line ends a forge gave it; `sections` by fingerprint, in their order. */
export function splitOwn(own: string): OwnText {
  const text = own.replace(/\r\n/g, '\n');
  const end = text.lastIndexOf(`\n${tailMark}`);
  const [body, tail] = end < 0 ? [text, ''] : [text.slice(0, end), text.slice(end + 1)];
  const starts = [...body.matchAll(begins)];
  const sections = new Map(
    starts.map((match, index) => [
      match[1] ?? '',
      body.slice(match.index, starts[index + 1]?.index ?? body.length).trim(),
    ]),
  );
  return { head: body.slice(0, starts[0]?.index ?? body.length).trim(), sections, tail: tail.trim() };
}

/** Those who are told by name that they lose access. */
const told = /^@.*: you lose access by this\..*\n\n/m;

/**
 * The text for some of its entries, each with what was decided of it: it says what becomes of the grant now, and who loses
 * what by that.
 */
export function joinOwn({ head, sections, tail }: OwnText, entries: readonly Entry[], at: At): string {
  const count = counted(new Set(entries.map(({ grant }) => grant)).size, 'grant');
  const lost = losses(combine(entries.map(editFor), at.organisation), at.organisation, at.asOf);
  const grants = new Map(at.organisation.grants.map((grant) => [grant.id, grant]));
  const shown = entries.flatMap((entry) => {
    const { fingerprint, grant, decision } = entry;
    const section = sections.get(fingerprint);
    if (section === undefined) return [];
    const mark = sectionMark(fingerprint);
    const rest = section
      .slice(mark.length)
      .replace(/^\n> [^\n]*/, '')
      .replace(/^### .*$/m, () => heading(entry))
      .replace(/^- \*\*Who loses what\*\*: .*$/m, () => losesLine(grants.get(grant), lost.get(grant), at));
    return [`${mark}${decision === undefined ? '' : `\n${decided(decision)}`}${rest}`];
  });
  const isLost = [...lost.values()].some(({ losing }) => losing.length > 0);
  // What is decided now makes another commit, of which the replay says nothing.
  const above = withReplay(head, unreplayed).replace(
    /answers for [\d,]+ grants? that/,
    `answers for ${count} that`,
  );
  return [above, ...shown, isLost ? tail : tail.replace(told, '')].join('\n\n');
}
