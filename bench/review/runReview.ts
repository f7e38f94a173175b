// One review, measured: node runReview.ts ROOT DECISIONS AS_OF; prints JSON, and what it does on stderr.
import { review } from '../../reviewer/review.ts';

const [root = '', decisions = '', asOf = ''] = process.argv.slice(2);
const began = performance.now();
const progress = (line: string) =>
  process.stderr.write(`  ${((performance.now() - began) / 1000).toFixed(1)} s  ${line}\n`);
const { plan } = await review({ root, decisions: [decisions], asOf: Number(asOf), progress });
const ms = performance.now() - began;
const rss = process.resourceUsage().maxRSS * 1024;
process.stdout.write(
  JSON.stringify({ ms, rss, findings: plan.findings.length, coverage: plan.evidence.coverage }),
);
