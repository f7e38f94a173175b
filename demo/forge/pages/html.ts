/** Markup that is safe to send as it is. Only `html` and the Markdown renderer make it. */
export class Html {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

export type Part = Html | string | number | null | undefined | false | readonly Part[];

const entities: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

// Characters that reorder or hide the text around them: a branch or file name must not look like another one.
// U+200D stays, since emoji are joined with it.
const invisible = /[\p{Cc}\u00ad\u061c\u200b\u200c\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]/gu;

/** Shows characters that would otherwise hide; tabs and line ends stay. */
export const visible = (text: string): string =>
  text.replace(invisible, (character) =>
    /[\t\n\r]/.test(character)
      ? character
      : `⟨U+${character.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}⟩`,
  );

/** Escapes for text and for quoted attributes. */
export const escapeHtml = (text: string): string =>
  visible(text.replace(/[&<>"']/g, (character) => entities[character] ?? ''));

function render(part: Part): string {
  if (part === null || part === undefined || part === false) return '';
  if (part instanceof Html) return part.text;
  if (typeof part === 'object') return part.map(render).join('');
  return escapeHtml(String(part));
}

/** A template whose values are escaped unless they are Html. Attributes must be quoted. */
export function html(strings: TemplateStringsArray, ...values: readonly Part[]): Html {
  return new Html(strings.reduce((text, string, index) => text + render(values[index - 1]) + string));
}
