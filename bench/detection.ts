// node bench/detection.ts [seeds]: how right the detectors are about generated organisations whose truth is known
// because it was planted, three of them when left out; with all evidence, and with logs that have gaps, of which none
// may be overlooked. What is planted is in test/reviewer/truth/.

import { rm } from 'node:fs/promises';
import { random } from '../demo/random.ts';
import { damaged, type Logs } from '../test/reviewer/truth/_damaged.ts';
import { plantOrganisation, type Score, score } from '../test/reviewer/truth/_organisation.ts';

const [seeds = 3] = process.argv.slice(2).map(Number);
const gapsEach = 4;
const all: Score[] = [];
const withGaps: Score[] = [];
let grants = 0;
for (let seed = 1; seed <= seeds; seed += 1) {
  const { here, planted, logs, ask } = await plantOrganisation(String(seed));
  const scores = async (some: Logs) => {
    await rm(here.decisions, { recursive: true, force: true });
    for (const [instance, lines] of some) await here.log(lines, instance);
    return score((await here.review()).plan, planted);
  };
  try {
    grants += planted.length;
    all.push(...(await scores(logs)));
    await ask(1);
    const draw = random(`gaps ${seed}`);
    for (let gap = 0; gap < gapsEach; gap += 1) withGaps.push(...(await scores(damaged(logs, draw))));
  } finally {
    await here.remove();
  }
}
const share = (part: number, whole: number) => (whole === 0 ? '-' : (part / whole).toFixed(3));
console.log(
  `${seeds} organisations, ${grants} grants, each with all evidence and ${gapsEach} times with gaps`,
);
console.log('detector                planted  reported  precision   recall   with gaps: reported  precision');
for (const name of new Set(all.map(({ detector }) => detector))) {
  const sums = (scores: readonly Score[]) => {
    const own = scores.filter(({ detector }) => detector === name);
    const sum = (of: (score: Score) => number) => own.reduce((total, one) => total + of(one), 0);
    const found = sum((one) => one.found);
    return { own, sum, found, precision: share(found - sum(({ wrong }) => wrong.length), found) };
  };
  const [whole, gaps] = [sums(all), sums(withGaps)];
  const planted = whole.sum((one) => one.planted);
  const recall = share(planted - whole.sum(({ missed }) => missed.length), planted);
  console.log(
    `${name.padEnd(22)}${String(planted).padStart(9)}${String(whole.found).padStart(10)}${whole.precision.padStart(11)}${recall.padStart(9)}${String(gaps.found).padStart(22)}${gaps.precision.padStart(11)}`,
  );
  for (const one of whole.own) for (const line of [...one.wrong, ...one.missed]) console.log(`  ${line}`);
  for (const one of gaps.own) for (const line of one.wrong) console.log(`  with gaps: ${line}`);
}
