import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';

/** What a browser fetches without being asked to. */
const fetched = [
  /<(?:script|img|iframe|source|audio|video|embed)\b[^>]*\bsrc="((?:https?:)?\/\/[^"]+)"/g,
  /<link\b(?=[^>]*\brel="(?:stylesheet|preload|modulepreload|preconnect|dns-prefetch|icon|manifest)")[^>]*\bhref="((?:https?:)?\/\/[^"]+)"/g,
  /\burl\(["']?((?:https?:)?\/\/[^)"']+)/g,
  /\bimport\(?\s*["'`](https?:\/\/[^"'`]+)/g,
];

/** In the generator's theme, for links to social networks: fetched where such a link stands, and none does. */
const unused = /^https:\/\/api\.iconify\.design\/simple-icons\/\$\{\w+\.icon\}\.svg$/;

/** What is wrong with a built site: links and headings that are not there, and what it would fetch from elsewhere. */
export function siteProblems(folder: string, base = '/'): string[] {
  const problems: string[] = [];
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  const read = (name: string) => readFileSync(join(folder, name), 'utf8');
  const ids = new Map<string, Set<string>>();
  const idsOf = (name: string) => {
    const known =
      ids.get(name) ?? new Set([...read(name).matchAll(/\bid="([^"]+)"/g)].map(([, id = '']) => id));
    ids.set(name, known);
    return known;
  };
  for (const name of names.filter((one) => /\.(?:html|css|js)$/.test(one))) {
    const text = read(name);
    for (const pattern of fetched)
      for (const [, address = ''] of text.matchAll(pattern))
        if (!unused.test(address)) problems.push(`${name}: fetches ${address}`);
    if (!name.endsWith('.html') || name === '404.html') continue;
    for (const [, href = ''] of text.matchAll(/<a\b[^>]*\bhref="([^"]*)"/g)) {
      if (/^[a-z]+:/.test(href)) continue;
      const [path = '', anchor = ''] = href.split('#');
      const inside = path.startsWith(base) ? path.slice(base.length) : posix.join(posix.dirname(name), path);
      const to = path === '' ? name : inside === '' || inside.endsWith('/') ? `${inside}index.html` : inside;
      const target = [to, `${to}.html`].find((one) => existsSync(join(folder, one)) && one.endsWith('.html'));
      if (target === undefined) problems.push(`${name}: ${href} is not there`);
      else if (anchor !== '' && !idsOf(target).has(decodeURIComponent(anchor)))
        problems.push(`${name}: ${href}: there is no such heading`);
    }
  }
  return problems;
}
