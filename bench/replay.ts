// node bench/replay.ts [records] [grants] [days]: recorded decisions replayed over two bundles, and the check of a pull
// request that changes 1,000 grants: time and peak memory. 1,000,000 records of 20,000 grants over 90 days when left
// out. Each is run by the command itself, as a process of its own.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { generateReview } from './review/generateReview.ts';

const [records = 1_000_000, grants = 20_000, days = 90] = process.argv.slice(2).map(Number);
const cli = fileURLToPath(new URL('../cli.ts', import.meta.url));
const folder = await mkdtemp(join(tmpdir(), 'grantgate-bench-replay-'));
try {
  const { root, decisions, asOfMs } = await generateReview(folder, { records, grants, days });
  console.log(`${records} records of ${grants} grants over ${days} days`);
  await changeGrants(root, 1000);
  const window = [
    '--decisions',
    decisions,
    '--as-of',
    new Date(asOfMs).toISOString(),
    '--days',
    String(days),
  ];
  console.log(
    `${'command'.padEnd(12)}${'time'.padStart(9)}${'processor'.padStart(12)}${'peak memory'.padStart(15)}`,
  );
  for (const [name, args] of [
    ['replay', ['replay', 'HEAD~1', 'HEAD', '--root', root, '--json', ...window]],
    [
      'check-pull',
      ['check-pull', 'HEAD~1', 'HEAD', '--root', root, '--out', join(folder, 'c.json'), ...window],
    ],
  ] as const) {
    const { ms, cpu, rss, code, output } = await run(args);
    console.log(
      `${name.padEnd(12)}${(ms / 1000).toFixed(1).padStart(7)} s${cpu.toFixed(1).padStart(10)} s${`${Math.round(rss / 1e6)} MB`.padStart(15)}  exit ${code}`,
    );
    if (name === 'replay') {
      const { requests, denied } = JSON.parse(output) as { requests: object; denied: { requests: number } };
      console.log(`            ${JSON.stringify(requests)}, ${denied.requests} denied`);
    }
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}

/** Takes so many grants back to a narrower role or away, in a commit of its own. */
async function changeGrants(root: string, count: number): Promise<void> {
  const listed = execFileSync('git', ['ls-files', 'grants/access'], { cwd: root, encoding: 'utf8' });
  let left = count;
  for (const path of listed.trim().split('\n')) {
    if (left <= 0) break;
    const text = await readFile(join(root, path), 'utf8');
    const entries = text.split(/(?=^- id: )/m);
    const kept = entries.map((entry, index) => {
      if (left <= 0) return entry;
      left -= 1;
      return index % 2 === 0
        ? ''
        : entry.replace('role: admin', 'role: reader').replace(/reason: .*/, 'reason: Less');
    });
    await writeFile(join(root, path), kept.join(''));
  }
  execFileSync('git', ['-c', 'user.name=Ann', '-c', 'user.email=ann@example.com', 'commit', '-qam', 'less'], {
    cwd: root,
  });
}

/**
 * One command to its end; its peak memory and the seconds it took of processors, which say more on a busy machine, are
 * read from the kernel's counts of the process as it runs.
 */
async function run(args: readonly string[]) {
  const began = performance.now();
  const child = spawn(process.execPath, [cli, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  let [rss, cpu] = [0, 0];
  const watch = setInterval(async () => {
    const status = await readFile(`/proc/${child.pid}/status`, 'utf8').catch(() => '');
    rss = Math.max(rss, Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) * 1024);
    // Behind the name, which may hold anything, in hundredths of a second.
    const stat =
      (await readFile(`/proc/${child.pid}/stat`, 'utf8').catch(() => '')).split(') ').at(-1)?.split(' ') ??
      [];
    cpu = Math.max(cpu, (Number(stat[11] ?? 0) + Number(stat[12] ?? 0)) / 100);
  }, 50);
  const [code] = (await once(child, 'close')) as [number];
  clearInterval(watch);
  return { ms: performance.now() - began, cpu, rss, code, output: Buffer.concat(chunks).toString() };
}
