import type { ChangedFile } from '../git/compare.ts';
import { type Html, html, type Part } from './html.ts';

const mostLines = 3000;

type Line = {
  kind: 'hunk' | 'added' | 'removed' | 'same' | 'note';
  old: number | null;
  new: number | null;
  text: string;
};

/** The lines of a patch with their numbers on both sides. */
function parsePatch(patch: string): Line[] {
  let left = 0;
  let right = 0;
  return patch.split('\n').map((line): Line => {
    const header = line.match(/^@@ -(\d+)(?:,\d+)? \+(\d+)/);
    if (header !== null) {
      left = Number(header[1]);
      right = Number(header[2]);
      return { kind: 'hunk', old: null, new: null, text: line };
    }
    const text = line.slice(1);
    if (line.startsWith('+')) return { kind: 'added', old: null, new: right++, text };
    if (line.startsWith('-')) return { kind: 'removed', old: left++, new: null, text };
    if (line.startsWith('\\')) return { kind: 'note', old: null, new: null, text };
    return { kind: 'same', old: left++, new: right++, text };
  });
}

const word = /[\p{L}\p{N}_]/u;

/** Splits a changed line into what it shares with its counterpart and what differs. */
function marked(text: string, other: string): Part {
  const [mine, theirs] = [[...text], [...other]];
  const most = Math.min(mine.length, theirs.length);
  let start = 0;
  while (start < most && mine[start] === theirs[start]) start++;
  let end = 0;
  while (end < most - start && mine[mine.length - 1 - end] === theirs[theirs.length - 1 - end]) end++;
  // Whole words, also where two words share a letter at their edge.
  while (start > 0 && word.test(mine[start - 1] ?? '')) start--;
  while (end > 0 && word.test(mine[mine.length - end] ?? '')) end--;
  const middle = mine.slice(start, mine.length - end).join('');
  // When hardly anything is shared, marking all of it says nothing.
  if (middle === '' || start + end < most / 3) return text;
  return [
    mine.slice(0, start).join(''),
    html`<mark>${middle}</mark>`,
    mine.slice(mine.length - end).join(''),
  ];
}

/** Runs of as many removed as added lines are changes line by line: each pair shows what differs. */
function contents(lines: readonly Line[]): Part[] {
  const parts: Part[] = lines.map((line) => line.text);
  for (let at = 0; at < lines.length; at++) {
    if (lines[at]?.kind !== 'removed' || lines[at - 1]?.kind === 'removed') continue;
    let removed = at;
    while (lines[removed]?.kind === 'removed') removed++;
    let added = removed;
    while (lines[added]?.kind === 'added') added++;
    if (added - removed !== removed - at) continue;
    for (let offset = 0; offset < removed - at; offset++) {
      const [before, after] = [lines[at + offset]?.text ?? '', lines[removed + offset]?.text ?? ''];
      parts[at + offset] = marked(before, after);
      parts[removed + offset] = marked(after, before);
    }
  }
  return parts;
}

const signs = { hunk: '', added: '+', removed: '−', same: ' ', note: '' };

function renderFile(file: ChangedFile, index: number): Html {
  const all = file.patch === null ? [] : parsePatch(file.patch);
  const lines = all.slice(0, mostLines);
  const parts = contents(lines);
  const name = file.previous === null ? file.path : `${file.previous} → ${file.path}`;
  return html`<details class="file" id="file-${index + 1}" open>
<summary><code>${name}</code><span class="badge ${file.status}">${file.status}</span><span class="counts"><b class="plus">+${file.additions}</b> <b class="minus">−${file.deletions}</b></span></summary>
${
  lines.length === 0
    ? html`<p class="quiet pad">No lines to show: the file is binary, empty or only moved.</p>`
    : html`<div class="scroll" tabindex="0"><table class="diff"><tbody>${lines.map(
        (line, at) =>
          html`<tr class="${line.kind}"><td class="number">${line.old}</td><td class="number">${line.new}</td><td class="sign">${signs[line.kind]}</td><td class="text">${parts[at]}</td></tr>`,
      )}</tbody></table></div>`
}${all.length > lines.length && html`<p class="quiet pad">${all.length - lines.length} more lines are not shown.</p>`}
</details>`;
}

/** The changed files of a pull request or commit. */
export const renderDiff = (files: readonly ChangedFile[]): Html => html`${files.map(renderFile)}`;
