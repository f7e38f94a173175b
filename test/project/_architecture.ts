import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { dirname, join, posix } from 'node:path';

/** Room → rooms it may import from. */
const production: Readonly<Record<string, readonly string[]>> = {
  bundle: ['bundle'],
  gateway: ['bundle', 'gateway'],
  reviewer: ['bundle', 'gateway', 'reviewer'],
  commands: ['bundle', 'gateway', 'reviewer', 'commands'],
  'cli.ts': ['commands'],
};
const others = ['demo', 'bench', 'test'];
/** What the reviewer may know of the gateway. */
const shared = ['gateway/record.ts', 'gateway/evaluator.ts'];
/** The one way from production into the demo: named by its command, and loaded only when asked for. */
const demoDoor = { from: 'commands/demo.ts', to: 'demo/main.ts' };
const longest = 300;
/** Tests are tables as often as code; their length says nothing. */
const mayBeLong = /^test\//;
const vague = /^(?:utils?|helpers?|common|misc|shared|lib)$/i;

export type Import = { specifier: string | null; lazy: boolean; line: number };

/**
 * Every import of a file: `import`, `export … from`, `import()` (also in types), `require()` and workers by
 * `new URL('./x.ts', import.meta.url)`. A computed one has no specifier. Statements are found at the start of a line,
 * where the formatter puts them.
 */
export function importsOf(text: string): Import[] {
  const found: Import[] = [];
  const lineOf = (index: number) => text.slice(0, index).split('\n').length;
  const add = (pattern: RegExp, lazy: boolean) => {
    for (const match of text.matchAll(pattern)) {
      // A mention in a comment is no import.
      const before = text.slice(text.lastIndexOf('\n', match.index) + 1, match.index);
      if (/^\s*(?:\/\/|\/?\*)|\s\/\/\s/.test(before)) continue;
      found.push({ specifier: match.groups?.name ?? null, lazy, line: lineOf(match.index) });
    }
  };
  add(/^[ \t]*(?:import|export)\b[^'"`;=()]*?\bfrom\s*(?<quote>['"])(?<name>[^'"\n]+)\k<quote>/gm, false);
  add(/^[ \t]*import\s*(?<quote>['"])(?<name>[^'"\n]+)\k<quote>/gm, false);
  add(/\b(?:import|require)\s*\(\s*(?:(?<quote>['"])(?<name>[^'"\n]+)\k<quote>)?/g, true);
  add(/\bnew URL\(\s*(?<quote>['"])(?<name>\.{1,2}\/[^'"\n]+\.[cm]?[jt]s)\k<quote>/g, true);
  return found;
}

/** A file that does nothing but hand on what other files export. */
function isBarrel(text: string): boolean {
  const statements = text
    .replace(/^\s*(?:\/\/.*|\/\*[\s\S]*?\*\/)\s*$/gm, '')
    .replace(/^export\s[^'"]*?from\s*['"][^'"]+['"];?$/gm, '\0')
    .trim();
  return /^[\0\s]+$/.test(statements) && statements.includes('\0');
}

const roomOf = (path: string) => (path.includes('/') ? (path.split('/')[0] ?? '') : path);
const packageOf = (specifier: string) =>
  specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');

function importProblem(path: string, { specifier, lazy }: Import, declared: Manifest): string | null {
  const room = roomOf(path);
  const allowed = production[room];
  if (specifier === null)
    return allowed ? 'an import of a computed name: nothing can check where it leads' : null;
  if (specifier.startsWith('node:')) return null;
  if (builtinModules.includes(specifier)) return `"${specifier}" must be written "node:${specifier}"`;
  if (specifier.startsWith('.')) {
    const target = posix.normalize(posix.join(posix.dirname(path), specifier));
    const to = roomOf(target);
    if (target.startsWith('..')) return `imports ${specifier}, outside the repository`;
    if (allowed === undefined) return null;
    if (path === demoDoor.from && target === demoDoor.to)
      return lazy ? null : `imports ${target} at once; only the demo command may, by import()`;
    if (!allowed.includes(to)) return `${room} must not import ${others.includes(to) ? `from ${to}/` : to}`;
    if (room === 'reviewer' && to === 'gateway' && !shared.includes(target))
      return `the reviewer knows only ${shared.join(' and ')} of the gateway, not ${target}`;
    return null;
  }
  const name = packageOf(specifier);
  if (declared.dependencies[name] !== undefined) return null;
  if (allowed === undefined) {
    const known = declared.devDependencies[name] ?? declared.devDependencies[`@types/${name}`];
    return known === undefined ? `"${name}" is not in package.json` : null;
  }
  return `"${name}" is not among the dependencies in package.json (devDependencies are missing in production)`;
}

type Manifest = { dependencies: Record<string, string>; devDependencies: Record<string, string> };

function manifestOf(root: string): Manifest {
  const parsed = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Partial<Manifest>;
  return { dependencies: parsed.dependencies ?? {}, devDependencies: parsed.devDependencies ?? {} };
}

function sources(root: string): string[] {
  const found = readdirSync(root).filter((name) => name.endsWith('.ts'));
  for (const room of [...Object.keys(production), ...others]) {
    if (room.endsWith('.ts') || !existsSync(join(root, room))) continue;
    for (const name of readdirSync(join(root, room), { recursive: true, encoding: 'utf8' }))
      if (name.endsWith('.ts')) found.push(`${room}/${name.replaceAll('\\', '/')}`);
  }
  return found.sort();
}

/** Everything in a tree that breaks the architecture, as `path:line: what` or `path: what`. */
export function architectureProblems(root: string): string[] {
  const problems: string[] = [];
  const manifest = manifestOf(root);
  for (const [name, version] of Object.entries({ ...manifest.dependencies, ...manifest.devDependencies }))
    if (!/^\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?$/.test(version))
      problems.push(`package.json: "${name}" must be pinned exactly, got "${version}"`);
  const files = sources(root);
  for (const folder of new Set(files.map((path) => dirname(path))))
    if (folder.split('/').some((part) => vague.test(part)))
      problems.push(`${folder}: a folder's name says what its files do, and this one says nothing`);
  for (const path of files) {
    const text = readFileSync(join(root, path), 'utf8');
    for (const found of importsOf(text)) {
      const problem = importProblem(path, found, manifest);
      if (problem !== null) problems.push(`${path}:${found.line}: ${problem}`);
    }
    if (isBarrel(text)) problems.push(`${path}: hands on what others export and does nothing itself`);
    const lines = text.split('\n').length - (text.endsWith('\n') ? 1 : 0);
    if (lines > longest && !mayBeLong.test(path))
      problems.push(`${path}: ${lines} lines; past ${longest} a file is split`);
  }
  return problems;
}
