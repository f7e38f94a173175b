import { isDeepStrictEqual } from 'node:util';
import { isMapping } from '../../bundle/format/isMapping.ts';
import { parseYaml } from '../../bundle/yaml/parseYaml.ts';
import { ReviewError } from '../reviewError.ts';
import { lineBreakOf } from './lines.ts';

const consent = 'consent: true';
const alone = `pull_requests: { ${consent} }`;

/** Puts a member before the others of a mapping, in brackets or as a line of its own. */
function begin(text: string, { start, column }: { start: number; column: number }, member: string): string {
  if (text.charAt(start) !== '{')
    return `${text.slice(0, start)}${member}${lineBreakOf(text)}${' '.repeat(column - 1)}${text.slice(start)}`;
  const empty = /^\{\s*\}/.test(text.slice(start));
  return `${text.slice(0, start + 1)} ${member}${empty ? ' ' : ','}${text.slice(start + 1)}`;
}

/**
 * Says in the text of grants/review.yaml (null: there is no such file) that the review may open pull requests; all else
 * stays byte for byte. The result is read back; throws ReviewError `edit-failed`.
 */
export function giveConsent(text: string | null, file: string, by: typeof begin = begin): string {
  const { value, places, problems } = parseYaml(text ?? '', file);
  const failed = () =>
    new ReviewError(
      'edit-failed',
      `${file}: is written in a way that cannot be edited; write "${alone}" there to let the review open pull requests`,
    );
  if (problems.length > 0 || (value !== null && !isMapping(value))) throw failed();
  const rules = value?.pull_requests;
  const wanted = { ...value, pull_requests: { ...(isMapping(rules) ? rules : {}), consent: true } };
  const append = () => {
    const br = lineBreakOf(text ?? '');
    return `${text ?? ''}${/(?:^|[\r\n])$/.test(text ?? '') ? '' : br}${alone}${br}`;
  };
  const result =
    value === null
      ? append()
      : isMapping(rules)
        ? by(text ?? '', places.nearest(['pull_requests']), consent)
        : (text ?? '').charAt(places.nearest([]).start) === '{'
          ? by(text ?? '', places.nearest([]), alone)
          : append();
  const after = parseYaml(result, file);
  if (after.problems.length > 0 || !isDeepStrictEqual(after.value, wanted)) throw failed();
  return result;
}
