import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { dirname, join, posix } from 'node:path';
import { rooms as ours } from './_rooms.ts';

/** Room → rooms it may import, lowest floor first. */
export type Rooms = readonly (readonly [room: string, imports: readonly string[]])[];

/** Top-level folder → top-level folders it may import from; within them {@link rooms} is finer. */
const production: Readonly<Record<string, readonly string[]>> = {
  bundle: ['bundle'],
  gateway: ['bundle', 'gateway'],
  reviewer: ['bundle', 'gateway', 'reviewer'],
  commands: ['bundle', 'gateway', 'reviewer', 'commands'],
  'cli.ts': ['commands'],
};
const others = ['demo', 'docs', 'bench', 'test', 'examples'];
/** What the reviewer may know of the gateway. */
const shared = ['gateway/decision', 'gateway/revision', 'gateway/record'];
/** The one way from production into the demo: named by its command, and loaded only when asked for. */
const demoDoor = { from: 'commands/demo.ts', to: 'demo/demo.ts' };
/** More files than this beside each other are a drawer. */
const fullest = 20;
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

type RoomTable = ReadonlyMap<string, readonly string[]>;

/** The room of a file: itself where it has a floor of its own, else its folder. */
const finestRoom = (path: string, table: RoomTable) => (table.has(path) ? path : posix.dirname(path));

/** What is wrong with the table itself: rooms that nobody has, and arrows that lead up. */
export function tableProblems(root: string, rooms: Rooms = ours): string[] {
  const problems: string[] = [];
  const below = new Set<string>();
  for (const [room, imports] of rooms) {
    for (const name of imports)
      if (!below.has(name)) problems.push(`${room}: imports ${name}, which is not on a lower floor`);
    below.add(room);
    if (!existsSync(join(root, room))) problems.push(`${room}: is in the table of rooms and not on disk`);
  }
  return problems;
}

/** Each folder of a top-level one with floors is a room that says what it is for and what it may import. */
function roomProblems(root: string, files: readonly string[], table: RoomTable): string[] {
  const problems: string[] = [];
  for (const folder of new Set(files.map((path) => posix.dirname(path)))) {
    const count = files.filter((path) => posix.dirname(path) === folder).length;
    if (count > fullest && !folder.startsWith('test'))
      problems.push(`${folder}: ${count} files beside each other; past ${fullest} a folder is divided`);
    if (!['bundle', 'gateway', 'reviewer'].includes(roomOf(`${folder}/`))) continue;
    const imports = table.get(folder);
    if (imports === undefined) {
      problems.push(`${folder}: is not in the table of rooms (test/project/_rooms.ts)`);
      continue;
    }
    const about = existsSync(join(root, folder, 'README.md'))
      ? readFileSync(join(root, folder, 'README.md'), 'utf8')
      : '';
    const last = about.trim().split('\n').at(-1) ?? '';
    const said = [...last.matchAll(/`([^`]+)`/g)].map(([, name]) => name);
    if (!about.startsWith(`# ${folder}\n`) || said.join() !== imports.join() || !last.startsWith('Imports: '))
      problems.push(
        `${folder}/README.md: must say what the room is for and end with the line of what it imports`,
      );
  }
  return problems;
}

/** What goes before the name of a file in that of its export: who makes the thing, reads it, or insists on it. */
const makers = 'assert|create|make|open|read|run|serve|start';

/** A file that exports one value is named after it or its type; programs, and files that are vocabulary, are not. */
function nameProblem(path: string, text: string): string | null {
  if (!path.includes('/') || production[roomOf(path)] === undefined || text.includes('import.meta.main'))
    return null;
  const named = (kinds: string) =>
    [...text.matchAll(new RegExp(`^export (?:async )?(?:${kinds})\\*? (\\w+)`, 'gm'))].map(
      ([, name = '']) => name,
    );
  const [values, types] = [named('function|const|let|class'), named('type')];
  if (values.length !== 1 || types.length > 2) return null;
  const stem = posix.basename(path, '.ts');
  const isValue = new RegExp(`^(?:${makers})?${stem.replace(/s$/, '')}s?(?:Of)?$`, 'i');
  if (isValue.test(values.join()) || types.some((name) => new RegExp(`${stem}$`, 'i').test(name)))
    return null;
  return `exports ${values.join()}, and is not named after it`;
}

/** What a file keeps for all who import it, and for as long as the process lives; programs, which nobody imports, may. */
const state =
  /^(?:export )?(?:let |const \w+(?:: (?!readonly |Readonly)[^=\n]+)? = (?:new (?:Weak(?:Map|Set)|(?:Map|Set)(?:<[^(\n]*>)?\(\))|(?:lruCache|remember\w*)[<(]|Buffer\.alloc\w*\(|\[\];|\{\};))/m;
const text = /`\n[\s\S]*?\n`/g;

function stateProblem(path: string, source: string): string | null {
  if (production[roomOf(path)] === undefined || !/^export (?!type\b)/m.test(source)) return null;
  const found = state.exec(source.replace(text, '``'));
  if (found === null) return null;
  return `"${found[0].trim()} …" is state of the module; it belongs to what is made, and is handed on`;
}

/** Files that import each other, over any number of steps, as `a → b → a`. */
function circles(imports: ReadonlyMap<string, readonly string[]>): string[] {
  const found: string[] = [];
  const done = new Set<string>();
  const walk = (path: string, trail: readonly string[]) => {
    const again = trail.indexOf(path);
    if (again >= 0) found.push([...trail.slice(again), path].join(' → '));
    if (again >= 0 || done.has(path)) return;
    for (const next of imports.get(path) ?? []) walk(next, [...trail, path]);
    done.add(path);
  };
  for (const path of imports.keys()) walk(path, []);
  return found;
}

const roomOf = (path: string) => (path.includes('/') ? (path.split('/')[0] ?? '') : path);
const packageOf = (specifier: string) =>
  specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');

function importProblem(
  path: string,
  { specifier, lazy }: Import,
  declared: Manifest,
  table: RoomTable,
): string | null {
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
    const [from, into] = [finestRoom(path, table), finestRoom(target, table)];
    if (room === 'reviewer' && to === 'gateway' && !shared.includes(into))
      return `the reviewer knows only ${shared.join(', ')} of the gateway, not ${target}`;
    const named = table.get(from);
    if (named === undefined || from === into || named.includes(into)) return null;
    return `${from} may not import ${into} (test/project/_rooms.ts has who may)`;
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
export function architectureProblems(root: string, rooms: Rooms = ours): string[] {
  const table: RoomTable = new Map(rooms);
  const problems: string[] = [];
  const manifest = manifestOf(root);
  for (const [name, version] of Object.entries({ ...manifest.dependencies, ...manifest.devDependencies }))
    if (!/^\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?$/.test(version))
      problems.push(`package.json: "${name}" must be pinned exactly, got "${version}"`);
  const files = sources(root);
  for (const folder of new Set(files.map((path) => dirname(path))))
    if (folder.split('/').some((part) => vague.test(part)))
      problems.push(`${folder}: a folder's name says what its files do, and this one says nothing`);
  const imports = new Map<string, readonly string[]>();
  for (const path of files) {
    const text = readFileSync(join(root, path), 'utf8');
    const ways = importsOf(text);
    for (const found of ways) {
      const problem = importProblem(path, found, manifest, table);
      if (problem !== null) problems.push(`${path}:${found.line}: ${problem}`);
    }
    // A process of its own is started, not imported.
    const near = ways.filter(
      ({ specifier }) => specifier?.startsWith('.') === true && !specifier.endsWith('/cli.ts'),
    );
    imports.set(
      path,
      near.map(({ specifier }) => posix.normalize(posix.join(posix.dirname(path), specifier ?? ''))),
    );
    if (isBarrel(text)) problems.push(`${path}: hands on what others export and does nothing itself`);
    const named = nameProblem(path, text);
    if (named !== null) problems.push(`${path}: ${named}`);
    const kept = stateProblem(path, text);
    if (kept !== null) problems.push(`${path}: ${kept}`);
    const lines = text.split('\n').length - (text.endsWith('\n') ? 1 : 0);
    if (lines > longest && !mayBeLong.test(path))
      problems.push(`${path}: ${lines} lines; past ${longest} a file is split`);
  }
  problems.push(
    ...roomProblems(root, files, table),
    ...circles(imports).map((circle) => `a circle of imports: ${circle}`),
  );
  return problems;
}
