/** One line of CODEOWNERS: `@user`, `@org/team`; e-mail addresses cannot be asked for a review. */
type Rule = { matches: RegExp; owners: readonly string[] };

/** Where GitHub looks for it, in this order. */
export const codeownersPaths = ['.github/CODEOWNERS', 'CODEOWNERS', 'docs/CODEOWNERS'];

/** A pattern of CODEOWNERS, which is one of .gitignore without `!` and `[ ]`. */
function regexOf(pattern: string): RegExp {
  const rooted = pattern.includes('/') && !/^[^/]*\/$/.test(pattern);
  const body = pattern
    .replace(/^\/|\/$/g, '')
    .split(/(\*\*\/|\*\*|\*|\?)/)
    .map((part) => {
      if (part === '**/') return '(?:.*/)?';
      if (part === '**') return '.*';
      if (part === '*') return '[^/]*';
      return part === '?' ? '[^/]' : part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
    })
    .join('');
  // What ends in a single star names files right there; a folder names all in it.
  const below = pattern.endsWith('/*') ? '' : '(?:/.*)?';
  return new RegExp(`^${rooted ? '' : '(?:.*/)?'}${body}${pattern.endsWith('/') ? '/.*' : below}$`);
}

/**
 * Reads a CODEOWNERS file as GitHub does: of each line a pattern like those of .gitignore and its owners. Owners by e-mail
 * address are left out, nobody can be asked by one; a pattern without owners takes a file from those before it.
 * https://docs.github.com/en/repositories/managing-your-repositorys-settings-and-features/customizing-your-repository/about-code-owners
 */
export function parseCodeowners(text: string): Rule[] {
  return text.split(/\r?\n/).flatMap((line) => {
    const [pattern, ...owners] = line
      .replace(/(?:^|\s)#.*$/, '')
      .trim()
      .split(/\s+/);
    if (pattern === undefined || pattern === '') return [];
    return [{ matches: regexOf(pattern), owners: owners.filter((owner) => owner.startsWith('@')) }];
  });
}

/** The owners of a file without their "@": those of the last pattern that matches. */
export const ownersOf = (rules: readonly Rule[], file: string): readonly string[] =>
  (rules.findLast(({ matches }) => matches.test(file))?.owners ?? []).map((owner) => owner.slice(1));
