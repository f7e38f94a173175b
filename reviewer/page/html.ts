import { createHash } from 'node:crypto';

/** Markup that may stand in a page as it is. */
export class Html {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
  toString(): string {
    return this.text;
  }
}

/** A text as HTML shows it, in content and in quoted attributes; control and direction characters are made visible. */
export const escapeHtml = (text: string): string =>
  text
    .replace(/[\p{Cc}\p{Bidi_Control}]/gu, '\ufffd')
    .replace(/[&<>"'`]/g, (character) => `&#${character.charCodeAt(0)};`);

/** What may be put into markup: everything but markup itself is escaped; null and false are nothing. */
export type Part = Html | string | number | false | null | readonly Part[];

function shown(part: Part): string {
  if (part instanceof Html) return part.text;
  if (typeof part === 'string' || typeof part === 'number') return escapeHtml(String(part));
  return part === null || part === false ? '' : part.map(shown).join('');
}

/** Markup with parts in it. Attributes must be in double quotes. */
export const html = (strings: TemplateStringsArray, ...parts: readonly Part[]): Html =>
  new Html(strings.reduce((text, literal, index) => text + shown(parts[index - 1] ?? null) + literal));

const hash = (text: string) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

type Page = {
  title: string;
  style: string;
  /** Runs behind the body; left out, the page runs nothing. */
  script?: string;
  /** A server of ours answers the page's forms and its script's questions; left out, the page asks nobody. */
  served?: true;
  body: Html;
};

/** What a page may do: nothing but what its own style and script say. */
export const policyOf = ({ style, script, served }: Pick<Page, 'style' | 'script' | 'served'>): string =>
  [
    "default-src 'none'",
    `style-src ${hash(style)}`,
    ...(script === undefined ? [] : [`script-src ${hash(script)}`]),
    ...(served && script !== undefined ? ["connect-src 'self'"] : []),
    `base-uri 'none'; form-action ${served ? "'self'" : "'none'"}`,
  ].join('; ');

/** One page that needs nothing else, and may do nothing but what its own style and script say. */
export function page({ title, style, script, served, body }: Page): string {
  const policy = policyOf({ style, ...(script !== undefined && { script }), ...(served && { served }) });
  return html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>${title}</title><style>${new Html(style)}</style></head>
<body>${body}${script !== undefined && new Html(`\n<script>${script}</script>`)}</body></html>
`.text;
}
