// How long a sync takes, and in how much memory, from a provider on this machine; a second one that finds nothing new,
// and a third that finds somebody active who was suspended.
// node bench/sync.ts [PEOPLE [GROUPS [KIND…]]]
import { fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';

const [people = '100000', groups = '5000', ...kinds] = process.argv.slice(2);
const url = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const settings: Record<string, (origin: string) => string> = {
  okta: (origin) => `kind: okta, url: "${origin}", token: { env: TOKEN }`,
  entra: (origin) =>
    `kind: entra, url: "${origin}", authority: "${origin}", tenant: t, client: { id: c, secret: { env: SECRET } }`,
  scim: (origin) => `kind: scim, url: "${origin}/scim/v2", token: { env: TOKEN }`,
};

process.stdout.write(
  `${people} people, ${groups} groups\nprovider  first     second    third     processor                     peak                          file\n`,
);
for (const kind of kinds.length > 0 ? kinds : Object.keys(settings)) {
  const root = mkdtempSync(join(tmpdir(), 'grantgate-bench-'));
  const provider = fork(url('./sync/provider.ts'), [kind, people, groups]);
  try {
    const [origin] = (await once(provider, 'message')) as [string];
    mkdirSync(join(root, 'grants/apis'), { recursive: true });
    writeFileSync(
      join(root, 'grants/apis/a.yaml'),
      'api: a\ndescription: A\nowner: group:team-0\ntier: low\nupstream: http://a.internal\nroute: { prefix: /a }\noperations: { get: GET / }\n',
    );
    writeFileSync(
      join(root, 'sync.yaml'),
      `providers:\n  - { provider: ${kind}, ${settings[kind]?.(origin)} }\n`,
    );
    const runs = [await run(root), await run(root)];
    const file = join(root, `grants/directory/${kind}.yaml`);
    writeFileSync(file, readFileSync(file, 'utf8').replace('status: active', 'status: suspended'));
    runs.push(await run(root));
    const seconds = runs.map(({ ms }) => `${(ms / 1000).toFixed(1)} s`.padEnd(10));
    const processor = runs.map(({ cpu }) => `${(cpu / 1000).toFixed(1)} s`.padEnd(10));
    const peaks = runs.map(({ kilobytes }) => `${Math.round(kilobytes / 1024)} MB`.padEnd(10));
    const size = `${(statSync(file).size / 1e6).toFixed(1)} MB`;
    process.stdout.write(
      `${kind.padEnd(10)}${seconds.join('')}${processor.join('')}${peaks.join('')}${size}\n`,
    );
  } finally {
    provider.disconnect();
    rmSync(root, { recursive: true, force: true });
  }
}

/** One run of the command: how long it took, of processors too (ms), and the most memory. */
async function run(root: string): Promise<{ ms: number; cpu: number; kilobytes: number }> {
  const started = performance.now();
  const told = join(root, 'peak');
  // Written at the very end: a message to us would not leave any more.
  const tell = `import { writeFileSync } from 'node:fs'; process.on('exit', () => { const { maxRSS, userCPUTime, systemCPUTime } = process.resourceUsage(); writeFileSync(${JSON.stringify(told)}, [maxRSS, (userCPUTime + systemCPUTime) / 1000].join(' ')); });`;
  const child = spawn(
    process.execPath,
    [
      '--import',
      `data:text/javascript,${encodeURIComponent(tell)}`,
      url('../cli.ts'),
      'sync',
      '--root',
      root,
      '--write',
    ],
    { stdio: ['ignore', 'ignore', 'inherit'], env: { ...process.env, TOKEN: 't', SECRET: 'right' } },
  );
  const [code] = (await once(child, 'exit')) as [number];
  if (code !== 0) throw new Error(`the sync ended with ${code}`);
  const [kilobytes = 0, cpu = 0] = readFileSync(told, 'utf8').split(' ').map(Number);
  return { ms: performance.now() - started, cpu, kilobytes };
}
