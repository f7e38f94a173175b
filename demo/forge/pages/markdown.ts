import { Marked } from 'marked';
import { escapeHtml, Html, visible } from './html.ts';

// marked passes raw HTML and any link through. Here the text of a pull request is hostile: raw HTML becomes text,
// except a few tags without attributes; comments vanish (they carry the bot's fingerprint); links keep to the web.

const token = /<!--[\s\S]*?(?:-->|$)|<(\/?)(details|summary|br|kbd|sub|sup)(\s+open)?\s*\/?>|[^<]+|</gi;

/** Raw HTML with only the harmless tags left; everything else as text. */
function harmless(raw: string): string {
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

/** How GitHub shows a quotation that begins with `[!IMPORTANT]` and its like. */
const callout = /^\[!(NOTE|TIP|IMPORTANT|WARNING|CAUTION)\][ \t]*\n/;
const titleOf = (kind: string) => `${kind.charAt(0)}${kind.slice(1).toLowerCase()}`;

const marked = new Marked({ gfm: true, async: false });
marked.use({
  // Before anything in it is parsed: inside, the mark would be a link's text.
  walkTokens(token) {
    if (token.type !== 'blockquote') return;
    const [, kind] = callout.exec(String(token.text)) ?? [];
    if (kind === undefined) return;
    Object.assign(token, {
      callout: titleOf(kind),
      tokens: marked.lexer(String(token.text).replace(callout, '')),
    });
  },
  renderer: {
    html: ({ text }) => harmless(text),
    blockquote({ tokens, ...token }) {
      const body = this.parser.parse(tokens);
      return 'callout' in token
        ? `<blockquote class="callout"><p><strong>${escapeHtml(String(token.callout))}</strong></p>\n${body}</blockquote>\n`
        : `<blockquote>\n${body}</blockquote>\n`;
    },
    // What scrolls by itself is reached by keyboard.
    code: ({ text }) => `<pre tabindex="0"><code>${escapeHtml(text)}</code></pre>\n`,
    table({ header, rows }) {
      const cells = (row: typeof header) =>
        row.map(({ tokens, header: isHeader, align }) => {
          const text = this.parser.parseInline(tokens);
          const name = isHeader && text !== '' ? 'th' : 'td';
          return `<${name}${align === null ? '' : ` class="${align}"`}>${text}</${name}>`;
        });
      const line = (row: typeof header) => `<tr>${cells(row).join('')}</tr>`;
      return `<div class="scroll" tabindex="0"><table><thead>${line(header)}</thead><tbody>${rows.map(line).join('')}</tbody></table></div>\n`;
    },
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
