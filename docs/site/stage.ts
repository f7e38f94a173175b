import { dirname, extname, posix } from 'node:path';
import { navigation, placeOf } from './navigation.ts';
import { slug } from './slug.ts';

/** What the site is made of: tracked files, by their path in the repository. */
export type Tree = { files: readonly string[]; read: (path: string) => string };
/** Pages for the generator by their path below its root, and what is wrong with links. */
export type Staged = { pages: ReadonlyMap<string, string>; problems: readonly string[] };

const longestShown = 400;
const languages: Readonly<Record<string, string>> = {
  ...{ '.yaml': 'yaml', '.yml': 'yaml', '.json': 'json', '.rego': 'rego', '.ts': 'ts', '.mjs': 'js' },
  ...{ '.sh': 'sh', '.conf': 'nginx', '.service': 'ini', '.tpl': 'yaml', '.md': 'md' },
};

/** The pages of the navigation, and of each file and folder of the repository that they or those link to. */
export function stage({ files, read }: Tree): Staged {
  const documents = navigation.flatMap(([, entries]) => entries.map(([, page]) => page));
  const [pages, problems, asked] = [new Map<string, string>(), [] as string[], new Set<string>()];
  const tracked = new Set(files);
  const folders = new Set(files.flatMap(foldersOf));

  /** Where a path of the repository is on the site; null where it is nowhere. */
  const addressOf = (path: string): string | null => {
    const readme = posix.join(path, 'README.md');
    if (documents.includes(path)) return `/${placeOf(path)}.md`;
    if (documents.includes(readme)) return `/${placeOf(readme)}.md`;
    if (!tracked.has(path) && !folders.has(path)) return null;
    asked.add(path);
    return `/files/${path.replaceAll(/[^\w/-]/g, '-')}${folders.has(path) ? '/index' : ''}.md`;
  };

  for (const page of documents)
    pages.set(
      `${placeOf(page)}.md`,
      replaceLinks(read(page), (target) => {
        if (/^[a-z]+:/.test(target)) return target;
        const [path = '', anchor] = target.split('#');
        const to = path === '' ? page : posix.normalize(posix.join(dirname(page), path)).replace(/\/$/, '');
        const address = addressOf(to);
        if (address === null) problems.push(`${page}: ${target} is not there`);
        else if (anchor !== undefined && !(documents.includes(to) && anchorsOf(read(to)).has(anchor)))
          problems.push(`${page}: ${target}: there is no such heading`);
        return `${path === '' ? '' : address}${anchor === undefined ? '' : `#${anchor}`}`;
      }),
    );
  for (const path of asked) {
    const address = addressOf(path)?.slice(1) ?? '';
    if (tracked.has(path)) pages.set(address, filePage(path, read(path)));
    else
      pages.set(
        address,
        folderPage(
          path,
          files.filter((file) => file.startsWith(`${path}/`) && !file.endsWith('_test.rego')),
          addressOf,
        ),
      );
  }
  return { pages, problems };
}

function foldersOf(file: string): string[] {
  const parts = file.split('/').slice(0, -1);
  return parts.map((_, index) => parts.slice(0, index + 1).join('/'));
}

/** Links in running text; code, in blocks and in sentences, is left as it is. */
function replaceLinks(markdown: string, by: (target: string) => string): string {
  return markdown.replaceAll(
    /^```[\s\S]*?^```$|`[^`\n]*`(?!\])|(\]\()([^)\s]+)(\))/gm,
    (all: string, open?: string, target?: string, close?: string) =>
      target === undefined ? all : `${open}${by(target)}${close}`,
  );
}

function anchorsOf(markdown: string): Set<string> {
  const headings = markdown.replaceAll(/^```[\s\S]*?^```$/gm, '').matchAll(/^#{1,6} (.+)$/gm);
  return new Set([...headings].map(([, heading = '']) => slug(heading)));
}

const aside = 'search: false\neditLink: false\nprev: false\nnext: false\noutline: false';

function filePage(path: string, text: string): string {
  const lines = text.replace(/\n$/, '').split('\n');
  const cut = lines.length > longestShown ? `\n\nThe first ${longestShown} of ${lines.length} lines.\n` : '';
  const fence = '`'.repeat(Math.max(4, ...[...text.matchAll(/^`+/gm)].map(([ticks]) => ticks.length + 1)));
  const language = languages[extname(path)] ?? (path.endsWith('Dockerfile') ? 'docker' : 'txt');
  const shown = lines.slice(0, longestShown).join('\n');
  return `---\n${aside}\n---\n# ${path}\n${cut}\n${fence}${language}\n${shown}\n${fence}\n`;
}

function folderPage(
  path: string,
  files: readonly string[],
  addressOf: (path: string) => string | null,
): string {
  const rows = files.map((file) => `- [${file.slice(path.length + 1)}](${addressOf(file)})`);
  return `---\n${aside}\n---\n# ${path}/\n\n${rows.join('\n')}\n`;
}
