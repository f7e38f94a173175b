// One review, measured: node runReview.ts ROOT DECISIONS USAGE AS_OF; prints JSON, and what it does on stderr.
import { growHeapSlowly } from '../../commands/growHeapSlowly.ts';
import { review } from '../../reviewer/review.ts';

const [root = '', decisions = '', usage = '', asOfMs = ''] = process.argv.slice(2);
// As the command does.
growHeapSlowly();
const began = performance.now();
const progress = (line: string) =>
  process.stderr.write(`  ${((performance.now() - began) / 1000).toFixed(1)} s  ${line}\n`);
const { plan } = await review({
  ...{ root, decisions: [decisions], usage: [usage], asOfMs: Number(asOfMs), progress },
});
const ms = performance.now() - began;
const { maxRSS, userCPUTime, systemCPUTime } = process.resourceUsage();
process.stdout.write(
  JSON.stringify({
    ...{ ms, rss: maxRSS * 1024, cpu: (userCPUTime + systemCPUTime) / 1000 },
    ...{ findings: plan.findings.length, coverage: plan.evidence.coverage },
  }),
);
