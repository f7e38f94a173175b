// node bench/review.ts [records] [grants] [days]: a whole review of a generated organisation, time and peak memory.
// 10,000,000 records and 100,000 grants when left out. What is generated, and that it is read by the product's own
// code in a process of its own, is in bench/review/.
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { generateReview } from './review/generateReview.ts';

const [records = 10_000_000, grants = 100_000, days = 90] = process.argv.slice(2).map(Number);
const folder = await mkdtemp(join(tmpdir(), 'grantgate-bench-review-'));
try {
  const began = performance.now();
  const made = await generateReview(folder, { records, grants, days });
  console.log(
    `${records} records of ${grants} grants over ${days} days, ${Math.round(made.bytes / 1e6)} MB, written in ${seconds(performance.now() - began)} s`,
  );
  const runner = fileURLToPath(new URL('review/runReview.ts', import.meta.url));
  const output = execFileSync(process.execPath, [runner, made.root, made.decisions, String(made.asOf)], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const { ms, rss, findings, coverage } = JSON.parse(output) as Record<string, number>;
  console.log('review       time    peak memory   findings   coverage');
  console.log(
    `${''.padEnd(9)}${seconds(ms ?? 0).padStart(6)} s${`${Math.round((rss ?? 0) / 1e6)} MB`.padStart(15)}${String(findings).padStart(11)}${String(coverage).padStart(11)}`,
  );
} finally {
  await rm(folder, { recursive: true, force: true });
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(1);
}
