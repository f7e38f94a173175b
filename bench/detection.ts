// node bench/detection.ts [seeds]: how right the detectors are about generated organisations whose truth is known
// because it was planted, three of them when left out. What is planted is in test/reviewer/truth/.
import { plantOrganisation, type Score, score } from '../test/reviewer/truth/_organisation.ts';

const [seeds = 3] = process.argv.slice(2).map(Number);
const all: Score[] = [];
let grants = 0;
for (let seed = 1; seed <= seeds; seed += 1) {
  const { here, planted, logs } = await plantOrganisation(String(seed));
  try {
    for (const [instance, lines] of logs) await here.log(lines, instance);
    const { plan } = await here.review();
    grants += planted.length;
    all.push(...score(plan, planted));
  } finally {
    await here.remove();
  }
}
const share = (part: number, whole: number) => (whole === 0 ? '-' : (part / whole).toFixed(3));
console.log(`${seeds} organisations, ${grants} grants`);
console.log('detector                planted  reported  precision   recall');
for (const name of new Set(all.map(({ detector }) => detector))) {
  const own = all.filter(({ detector }) => detector === name);
  const sum = (of: (score: Score) => number) => own.reduce((total, one) => total + of(one), 0);
  const [planted, found] = [sum((one) => one.planted), sum((one) => one.found)];
  const precision = share(found - sum(({ wrong }) => wrong.length), found);
  const recall = share(planted - sum(({ missed }) => missed.length), planted);
  console.log(
    `${name.padEnd(22)}${String(planted).padStart(9)}${String(found).padStart(10)}${precision.padStart(11)}${recall.padStart(9)}`,
  );
  for (const one of own) for (const line of [...one.wrong, ...one.missed]) console.log(`  ${line}`);
}
