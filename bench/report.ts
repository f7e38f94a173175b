// node bench/report.ts [RECORDS [GRANTS]]: `grantgate report` of a quarter over a generated organisation whose grants change
// on each of its days: time, processor time and peak memory of all its processes, and the size of the page. The product is
// judged by 10,000,000 records and 100,000 grants, which it takes when they are left out: 60 s on two cores, and 5 MB.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { generateReview } from './review/generateReview.ts';

const [records = 10_000_000, grants = 100_000] = process.argv.slice(2).map(Number);
const cli = fileURLToPath(new URL('../cli.ts', import.meta.url));
const day = (at: number) => new Date(at).toISOString().slice(0, 10);

/** Memory of a process and all below it, in bytes, as /proc has it; shared pages count more than once. */
async function memoryBelow(top: number): Promise<number> {
  const below = new Map<number, number[]>();
  const held = new Map<number, number>();
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const text = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => '');
    const [, parent, ...rest] = text.slice(text.lastIndexOf(')') + 2).split(' ');
    if (parent === undefined) continue;
    below.set(Number(parent), [...(below.get(Number(parent)) ?? []), Number(name)]);
    held.set(Number(name), Number(rest[19]) * 4096);
  }
  const sum = (pid: number): number =>
    (held.get(pid) ?? 0) + (below.get(pid) ?? []).reduce((all, one) => all + sum(one), 0);
  return sum(top);
}

/** Seconds of processor time as a shell's `times` tells of its children. */
const secondsIn = (times: string): number =>
  [...(times.trim().split('\n').at(-1) ?? '').matchAll(/(\d+)m([\d.]+)s/g)].reduce(
    (all, [, minutes, seconds]) => all + Number(minutes) * 60 + Number(seconds),
    0,
  );

const folder = await mkdtemp(join(tmpdir(), 'grantgate-bench-report-'));
try {
  const made = await generateReview(folder, { records, grants, days: 90, changes: 'daily' });
  const out = join(folder, 'out');
  const period = ['--since', '90d', '--until', new Date(made.asOfMs).toISOString()];
  const args = ['report', '--root', made.root, '--decisions', made.decisions, ...period, '--out', out];
  const [load = 0] = loadavg();
  const began = performance.now();
  const child = spawn(
    'sh',
    ['-c', '"$@" >&2; code=$?; times; exit $code', 'sh', process.execPath, cli, ...args],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  let peak = 0;
  const watch = setInterval(
    () =>
      void memoryBelow(child.pid ?? 0).then((now) => {
        peak = Math.max(peak, now);
      }),
    250,
  );
  let said = '';
  child.stdout.on('data', (chunk) => {
    said += chunk;
  });
  const [code] = await once(child, 'close');
  clearInterval(watch);
  const seconds = (performance.now() - began) / 1000;
  if (code !== 0) throw new Error(`the report ended with ${code}`);
  const { size } = await stat(join(out, 'index.html'));
  const all = await Promise.all((await readdir(out)).map((name) => stat(join(out, name))));
  const whole = all.reduce((sum, one) => sum + one.size, 0);
  console.table([
    {
      ...{ records, grants, read: `${Math.round(made.bytes / 1e6)} MB`, until: day(made.asOfMs) },
      ...{ time: `${seconds.toFixed(1)} s`, processor: `${secondsIn(said).toFixed(1)} s` },
      ...{ 'peak memory': `${Math.round(peak / 1e6)} MB`, page: `${(size / 1e6).toFixed(2)} MB` },
      ...{ 'all files': `${(whole / 1e6).toFixed(1)} MB`, 'load before': load.toFixed(1) },
    },
  ]);
} finally {
  await rm(folder, { recursive: true, force: true });
}
