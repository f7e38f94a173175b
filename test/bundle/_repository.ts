import { createHash } from 'node:crypto';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { deflateSync } from 'node:zlib';

// What Git writes for `init`, `add --all` and `commit`, written here: hundreds of repositories are begun by tests, and
// each of these would be a process. test/bundle/git/repository.test.ts holds it to Git's own.

/** A file as Git's index and trees have it. */
type Entry = { path: string; mode: string; id: Buffer };

/** Begins a repository on branch `main`, as `git init` does. */
export function beginRepository(root: string): void {
  const home = join(root, '.git');
  for (const folder of ['objects/info', 'objects/pack', 'refs/heads', 'refs/tags'])
    mkdirSync(join(home, folder), { recursive: true });
  writeFileSync(join(home, 'HEAD'), 'ref: refs/heads/main\n');
  const settings = ['repositoryformatversion = 0', 'filemode = true', 'bare = false'];
  writeFileSync(
    join(home, 'config'),
    ['[core]', ...settings, 'logallrefupdates = true'].join('\n\t').concat('\n'),
  );
}

/** The commit that a work tree stands on, as `git rev-parse HEAD` says; empty before the first. */
export function headOf(root: string): string {
  const head = readFileSync(join(root, '.git', 'HEAD'), 'utf8').trim();
  if (!head.startsWith('ref: ')) return head;
  const path = join(root, '.git', head.slice(5));
  return existsSync(path) ? readFileSync(path, 'utf8').trim() : '';
}

/**
 * Commits all that lies in a work tree, as `git add --all` and `git commit --allow-empty` do, and answers with the commit.
 * `at`: an instant. For branches that no pack file holds, and trees without submodules and `.gitignore`.
 */
export function commitAll(root: string, message: string, at: string): string {
  const entries = filesBelow(root, '').sort((a, b) =>
    Buffer.compare(Buffer.from(a.path), Buffer.from(b.path)),
  );
  const before = headOf(root);
  if (before === '' && existsSync(join(root, '.git', 'packed-refs')))
    throw new Error(`${root}: its branch may be in packed-refs, which nobody here reads`);
  const who = `Ann <ann@example.com> ${Math.floor(Date.parse(at) / 1000)} +0000`;
  const lines = [
    `tree ${writeTree(root, entries, '').toString('hex')}`,
    ...(before === '' ? [] : [`parent ${before}`]),
    `author ${who}`,
    `committer ${who}`,
  ];
  const commit = write(root, 'commit', Buffer.from(`${lines.join('\n')}\n\n${message}\n`)).toString('hex');
  replace(join(root, '.git', 'index'), indexOf(entries));
  const head = readFileSync(join(root, '.git', 'HEAD'), 'utf8').trim();
  replace(join(root, '.git', head.startsWith('ref: ') ? head.slice(5) : 'HEAD'), `${commit}\n`);
  return commit;
}

/** Whoever reads meanwhile sees the old one or the new one. */
function replace(path: string, content: string | Buffer): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(`${path}.new`, content);
  renameSync(`${path}.new`, path);
}

/** Keeps an object in a folder of objects if its id is `wanted`, and answers with that id. */
export function writeObject(
  objects: string,
  kind: 'blob' | 'tree' | 'commit',
  body: Buffer,
  wanted: (id: string) => boolean = () => true,
): Buffer {
  const whole = Buffer.concat([Buffer.from(`${kind} ${body.length}\0`), body]);
  const id = createHash('sha1').update(whole).digest();
  const name = id.toString('hex');
  const path = join(objects, name.slice(0, 2), name.slice(2));
  if (wanted(name) && !existsSync(path)) replace(path, deflateSync(whole, { level: 1 }));
  return id;
}

const write = (root: string, kind: 'blob' | 'tree' | 'commit', body: Buffer) =>
  writeObject(join(root, '.git/objects'), kind, body);

function filesBelow(root: string, folder: string): Entry[] {
  return readdirSync(join(root, folder)).flatMap((name) => {
    const path = `${folder}${name}`;
    if (path === '.git') return [];
    const stat = lstatSync(join(root, path));
    if (stat.isDirectory()) return filesBelow(root, `${path}/`);
    if (stat.isSymbolicLink())
      return [{ path, mode: '120000', id: write(root, 'blob', readlinkSync(join(root, path), 'buffer')) }];
    const mode = stat.mode & 0o100 ? '100755' : '100644';
    return [{ path, mode, id: write(root, 'blob', readFileSync(join(root, path))) }];
  });
}

/** The tree of the entries below a folder, which stand in the order of their paths. */
function writeTree(root: string, entries: readonly Entry[], folder: string): Buffer {
  const here = new Map<string, Entry[]>();
  for (const entry of entries) {
    const [name = '', ...rest] = entry.path.slice(folder.length).split('/');
    // A folder's name is sorted as if a slash stood behind it, and so are its files in a list of paths.
    const key = rest.length === 0 ? name : `${name}/`;
    here.set(key, [...(here.get(key) ?? []), entry]);
  }
  const lines = [...here].map(([name, some]) => {
    const [first] = some;
    const isFolder = name.endsWith('/');
    const id = isFolder || first === undefined ? writeTree(root, some, folder + name) : first.id;
    const mode = isFolder || first === undefined ? '40000' : first.mode;
    return Buffer.concat([Buffer.from(`${mode} ${isFolder ? name.slice(0, -1) : name}\0`), id]);
  });
  return write(root, 'tree', Buffer.concat(lines));
}

/** An index that says nothing of the files' times: Git looks at the files themselves. */
function indexOf(entries: readonly Entry[]): Buffer {
  const head = Buffer.alloc(12, 'DIRC');
  head.writeUInt32BE(2, 4);
  head.writeUInt32BE(entries.length, 8);
  const rows = entries.map(({ path, mode, id }) => {
    const name = Buffer.from(path);
    const row = Buffer.alloc(Math.ceil((63 + name.length) / 8) * 8);
    row.writeUInt32BE(Number.parseInt(mode, 8), 24);
    id.copy(row, 40);
    row.writeUInt16BE(Math.min(name.length, 0xfff), 60);
    name.copy(row, 62);
    return row;
  });
  const body = Buffer.concat([head, ...rows]);
  return Buffer.concat([body, createHash('sha1').update(body).digest()]);
}
