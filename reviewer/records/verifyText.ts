import { counted } from '../../bundle/format/counted.ts';
import type { ChainResult, Gap } from './verifyChain.ts';

/** What `records verify` says, for people. */
export function* verifyText(verdicts: readonly ChainResult[]): Generator<string> {
  if (verdicts.length === 0) yield 'no decision records';
  for (const verdict of verdicts) {
    const { instance, files, pruned, erased, unchained, records, holds, open, breaks, gaps } = verdict;
    const parts = [
      counted(files, 'file'),
      ...(pruned > 0 ? [`${pruned} pruned`] : []),
      ...(erased > 0 ? [`${erased} with an erased person`] : []),
      ...(unchained > 0 ? [`${unchained} from before the chain`] : []),
      counted(records, 'record'),
    ];
    yield `${instance}: ${parts.join(', ')}`;
    for (const { from, to, files: length } of holds)
      yield from === to ? `  one file: ${from}` : `  holds from ${from} to ${to}: ${counted(length, 'file')}`;
    for (const { sentence } of breaks) yield `  broken: ${sentence}`;
    for (const gap of gaps) yield `  ${gapSentence(gap)}`;
    if (open !== null) yield `  ${open} is the last file: the next one to be begun will vouch for it`;
  }
}

/** What is missing, or was given out again, and where. */
export function gapSentence({ from, to, numbers, again, file, line }: Gap): string {
  const which = from === to ? `number ${from}` : `numbers ${from} to ${to}`;
  const place = line === null ? `before ${file}` : `before line ${line} of ${file}`;
  if (again) return `given out again: ${which}, ${place}`;
  return numbers === to - from + 1
    ? `missing: ${which}, ${place}`
    : `missing: ${numbers} of ${which}, in ${file}, which was pruned`;
}
