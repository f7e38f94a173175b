import { Marked } from 'marked';
import { escapeHtml, Html, visible } from './html.ts';

// marked passes raw HTML and any link through. Here the text of a pull request is hostile: raw HTML becomes text,
// except a few tags without attributes; comments vanish (they carry the bot's fingerprint); links keep to the web.

const token = /<!--[\s\S]*?(?:-->|$)|<(\/?)(details|summary|br|kbd|sub|sup)(\s+open)?\s*\/?>|[^<]+|</gi;

/** Raw HTML with only the harmless tags left; everything else as text. */
export function harmless(raw: string): string {
  return raw.replace(
    token,
    (all, slash: string | undefined, tag: string | undefined, open: string | undefined) => {
      if (all.startsWith('<!--')) return '';
      if (tag !== undefined)
        return `<${slash ?? ''}${tag.toLowerCase()}${open !== undefined && slash === '' ? ' open' : ''}>`;
      // An entity the author wrote stays one: it cannot become markup.
      return escapeHtml(all).replace(/&amp;(#\d{1,6}|#x[0-9a-f]{1,6}|[a-z][a-z0-9]{1,30});/gi, '&$1;');
    },
  );
}

/** An address that leads to the web or stays on this site; null for every other scheme. */
function safeAddress(href: string): string | null {
  const base = 'http://forge.invalid/';
  const url = URL.parse(href, base);
  return url !== null && ['http:', 'https:', 'mailto:'].includes(url.protocol) ? href : null;
}

const marked = new Marked({ gfm: true, async: false });
marked.use({
  renderer: {
    html: ({ text }) => harmless(text),
    link({ href, tokens }) {
      const text = this.parser.parseInline(tokens);
      const address = safeAddress(href);
      return address === null
        ? text
        : `<a href="${escapeHtml(address)}" rel="nofollow noreferrer">${text}</a>`;
    },
    // Nothing is loaded from elsewhere: an image is a link to itself.
    image({ href, text }) {
      const address = safeAddress(href);
      const label = escapeHtml(text === '' ? 'image' : text);
      return address === null
        ? label
        : `<a href="${escapeHtml(address)}" rel="nofollow noreferrer">${label}</a>`;
    },
  },
});

/** Renders the Markdown of a body or comment. What cannot be rendered is shown as it was written. */
export function markdown(text: string): Html {
  try {
    return new Html(`<div class="markdown">${String(marked.parse(visible(text)))}</div>`);
  } catch {
    return new Html(`<div class="markdown"><pre>${escapeHtml(text)}</pre></div>`);
  }
}
