// The npm package, in a folder: JavaScript and types from the sources, and what they read beside them. Node strips types
// from no package, hence a build here and nowhere else. Run by `npm run package:build`; `npm pack dist` makes the archive.
import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, parse, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const rooms = ['bundle', 'commands', 'gateway', 'policies', 'reviewer'];
const besides = ['CHANGELOG.md', 'LICENSE', 'README.md', 'docs/reference/grantgate.1'];

/** What programs of one's own may rely on: what is logged, and what a bundle says of a grant. */
const publicTypes = ['gateway/record/record.ts', 'bundle/data/grantLine.ts'];

/** An older Node would end somewhere with a name that it does not know: it is told before anything is loaded. */
const launcher = `#!/usr/bin/env node
const [major] = process.versions.node.split('.');
if (Number(major) < 24) {
  console.error('grantgate: needs Node.js 24 or newer, and this is ' + process.version + ' (' + process.execPath + ')');
  process.exit(2);
}
await import('./cli.js');
`;

/** Builds the package of the repository's tracked files in `out`, which is emptied first. Throws what tsc says. */
export function buildPackage(out: string): void {
  rmSync(out, { recursive: true, force: true });
  // One thread: nothing is checked, and several would cost half as much again for little.
  const tsc = (...options: string[]) =>
    execFileSync(
      process.execPath,
      [join(root, 'node_modules/typescript/bin/tsc'), '--singleThreaded', '--outDir', out, ...options],
      {
        cwd: root,
        stdio: 'inherit',
      },
    );
  // Not the demo: it brings an identity provider and a forge of its own, which are no part of what runs in production.
  tsc('-p', 'tsconfig.package.json');
  const typesOnly = [
    '--declaration',
    '--emitDeclarationOnly',
    '--ignoreConfig',
    '--noCheck',
    '--rewriteRelativeImportExtensions',
  ];
  tsc(
    ...typesOnly,
    '--rootDir',
    '.',
    '--module',
    'nodenext',
    '--target',
    'esnext',
    '--skipLibCheck',
    ...publicTypes,
  );

  const tracked = execFileSync('git', ['ls-files', '-z', ...rooms, ...besides], {
    cwd: root,
    encoding: 'utf8',
  });
  // What only declares types of others is no part of what runs.
  for (const path of tracked.split('\0').filter((name) => name !== '' && !name.endsWith('.d.ts')))
    if (!path.endsWith('.ts') && !path.endsWith('_test.rego')) copy(path, out);
    else if (path.endsWith('.ts')) nameBuilt(join(out, path.replace(/\.ts$/, '.js')));
  writeFileSync(join(out, 'grantgate.js'), launcher);
  chmodSync(join(out, 'grantgate.js'), 0o755);
  writeFileSync(join(out, 'package.json'), `${JSON.stringify(packageOf(), null, 2)}\n`);
}

function copy(path: string, out: string): void {
  mkdirSync(dirname(join(out, path)), { recursive: true });
  cpSync(join(root, path), join(out, path));
}

/** tsc renames what is imported; threads are started by address. */
function nameBuilt(file: string): void {
  const built = readFileSync(file, 'utf8');
  const named = built.replaceAll(/(new URL\('\.\/[A-Za-z]+)\.ts(', import\.meta\.url\))/g, '$1.js$2');
  if (/new URL\('[^']*\.ts'/.test(named)) throw new Error(`${relative(root, file)} starts what is not built`);
  if (named !== built) writeFileSync(file, named);
}

function packageOf(): Record<string, unknown> {
  const { GITHUB_SERVER_URL: server = 'https://github.com', GITHUB_REPOSITORY: repository } = process.env;
  const { name, version, description, license, type, engines, dependencies } = JSON.parse(
    readFileSync(join(root, 'package.json'), 'utf8'),
  ) as Record<string, unknown>;
  return {
    ...{ name, version, description, license, type, engines },
    // What vouches for a build names the repository that it came from, and must find the same here.
    ...(repository !== undefined && { repository: { type: 'git', url: `git+${server}/${repository}.git` } }),
    bin: { grantgate: './grantgate.js' },
    man: './docs/reference/grantgate.1',
    exports: {
      ...Object.fromEntries(publicTypes.map((path) => [`./${parse(path).name}`, exported(path)])),
      './gateway.schema.json': './gateway/config/gateway.schema.json',
      './package.json': './package.json',
    },
    dependencies,
  };
}

const exported = (path: string) => {
  const built = `./${path.replace(/\.ts$/, '')}`;
  return { types: `${built}.d.ts`, default: `${built}.js` };
};

if (import.meta.main) buildPackage(join(root, 'dist'));
