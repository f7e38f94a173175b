// node bench/review.ts [records:RECORDS:GRANTS | rollups:RECORDS:GRANTS …]: whole reviews of generated organisations over
// 90 days, by decision records or by roll-ups: time, processor time and peak memory, a line each. Left out: the three
// that the product is judged by. What is generated, and that it is read by the product's own code in a process of its
// own, is in bench/review/.
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { generateReview } from './review/generateReview.ts';

const asked = process.argv.slice(2);
const judged = ['records:10000000:100000', 'rollups:1000000:100000', 'rollups:5000000:1000000'];
const days = 90;
const runner = fileURLToPath(new URL('review/runReview.ts', import.meta.url));
const seconds = (ms = 0) => `${(ms / 1000).toFixed(1)} s`;
const columns = [
  'review by',
  'records',
  'grants',
  'read',
  'time',
  'processor',
  'for a grant',
  'peak memory',
  'findings',
  'coverage',
];
const row = (cells: readonly string[]) =>
  console.log(cells.map((cell, at) => cell.padStart(Math.max(9, columns[at]?.length ?? 0))).join('  '));

row(columns);
for (const one of asked.length > 0 ? asked : judged) {
  const [kind = '', records = Number.NaN, grants = Number.NaN] = one
    .split(':')
    .map((part, at) => (at === 0 ? part : Number(part))) as [string, number, number];
  if (!/^(?:records|rollups)$/.test(kind) || !(records > 0) || !(grants > 0))
    throw new Error(`must be like ${judged[0]}, got ${one}`);
  const folder = await mkdtemp(join(tmpdir(), 'grantgate-bench-review-'));
  try {
    const made = await generateReview(folder, { records, grants, days, rollups: kind === 'rollups' });
    const args = [runner, made.root, made.decisions, made.usage, String(made.asOfMs)];
    const output = execFileSync(process.execPath, args, {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const { ms, cpu, rss, findings, coverage } = JSON.parse(output) as Record<string, number>;
    row([
      ...[
        kind,
        String(records),
        String(grants),
        `${Math.round(made.bytes / 1e6)} MB`,
        seconds(ms),
        seconds(cpu),
        `${Math.round(((cpu ?? 0) * 1000) / grants)} µs`,
      ],
      ...[`${Math.round((rss ?? 0) / 1e6)} MB`, String(findings), String(coverage)],
    ]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
