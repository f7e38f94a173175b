// `npm run docs:build`: the documents as a site, in .grantgate/site/dist. What makes it are packages of its own, installed
// beside it when they are missing or stale; afterwards nothing is fetched. Ends with 1 where a link leads nowhere.
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { siteProblems } from './siteProblems.ts';
import { stage } from './stage.ts';

const here = fileURLToPath(new URL('.', import.meta.url));
const root = join(here, '../..');
// Apart from the sources, which are read whole by tests and tools.
const place = join(root, '.grantgate', 'site');
const [staged, dist] = [join(place, 'staged'), join(place, 'dist')];

function install(): void {
  const stamp = join(place, 'node_modules', '.installed');
  const wanted = createHash('sha256')
    .update(readFileSync(join(here, 'package-lock.json')))
    .digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  for (const name of ['package.json', 'package-lock.json']) cpSync(join(here, name), join(place, name));
  // No package of these has an install script that it needs.
  const { status } = spawnSync('npm', ['ci', '--ignore-scripts', '--loglevel=error'], {
    cwd: place,
    stdio: ['ignore', 2, 2],
  });
  if (status !== 0) throw new Error(`npm ci failed in ${place}`);
  writeFileSync(stamp, wanted);
}

/** The repository's files, those that are not committed yet among them. */
function repositoryTree() {
  const listing = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
    encoding: 'utf8',
  });
  const files = [...new Set(listing.split('\0'))].filter(
    (name) => name !== '' && existsSync(join(root, name)),
  );
  return { files: files.sort(), read: (path: string) => readFileSync(join(root, path), 'utf8') };
}

function build(): string[] {
  const { pages, problems } = stage(repositoryTree());
  if (problems.length > 0) return [...problems];
  mkdirSync(place, { recursive: true });
  install();
  for (const folder of [staged, dist]) rmSync(folder, { recursive: true, force: true });
  for (const [name, text] of pages) {
    mkdirSync(join(staged, dirname(name)), { recursive: true });
    writeFileSync(join(staged, name), text);
  }
  cpSync(join(here, 'index.md'), join(staged, 'index.md'));
  mkdirSync(join(staged, '.vitepress'));
  writeFileSync(
    join(staged, '.vitepress/config.ts'),
    `export { default } from ${JSON.stringify(join(here, 'config.ts'))};\n`,
  );
  const vitepress = join(place, 'node_modules/vitepress/bin/vitepress.js');
  const { status } = spawnSync(process.execPath, [vitepress, 'build', staged, '--outDir', dist], {
    cwd: place,
    stdio: ['ignore', 2, 2],
  });
  rmSync(staged, { recursive: true, force: true });
  if (status !== 0) return ['vitepress failed; its message is above'];
  return siteProblems(dist, process.env.DOCS_BASE);
}

if (import.meta.main) {
  const problems = build();
  for (const problem of problems) process.stderr.write(`${problem}\n`);
  if (problems.length > 0) process.exitCode = 1;
  else process.stdout.write(`${dist}\n`);
}
