/**
 * Text from grants as a code span: there Markdown, HTML, @mentions, #references and links are only text. Line breaks
 * and control characters become spaces.
 */
export function code(text: string): string {
  const line = text.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ').trim();
  if (line === '') return '(empty)';
  const fence = '`'.repeat(longestRun(line) + 1);
  const pad = /^`|`$/.test(line) ? ' ' : '';
  return `${fence}${pad}${line}${pad}${fence}`;
}

/** Text as a fenced block that nothing in it can end. */
export function fenced(text: string, language: string): string {
  const fence = '`'.repeat(Math.max(3, longestRun(text) + 1));
  const body = text.replace(/\r\n?/g, '\n').replace(/[^\P{Cc}\n\t]/gu, ' ');
  return `${fence}${language}\n${body.endsWith('\n') ? body : `${body}\n`}${fence}`;
}

const longestRun = (text: string) =>
  [...text.matchAll(/`+/g)].reduce((most, [run]) => Math.max(most, run.length), 0);

/**
 * A sentence of ours in which names stand as they are written in grants: what GitHub would take for a mention, a
 * reference, a link, markup or HTML is taken apart.
 */
export function prose(text: string): string {
  return text
    .replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ')
    .replace(/[&<>]/g, (unit) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;' })[unit] ?? unit)
    .replace(/[\\`*_{}[\]()#+!|~]/g, '\\$&')
    .replace(/@/g, '@<!-- -->')
    .replace(/\bGH-(?=\d)/gi, '$&<!-- -->')
    .replace(/:\/\//g, ':<!-- -->//')
    .replace(/www\./gi, 'www<!-- -->.');
}

/** A cell of a table, of Markdown: a bar in it would begin the next one, in code spans too. */
export const cell = (markdown: string): string => markdown.replaceAll('|', '\\|');
