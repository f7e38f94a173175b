// How long the tutorial takes whom nothing has to be downloaded for: from an empty folder, by the page's own commands and
// with the npm package, to the first enforced request, and to its end with a revocation and a review.
// node bench/tutorial.ts [ROUNDS]
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { installPackage, runTutorial, tutorialSteps } from '../test/project/_tutorial.ts';
import { assertKept } from '../test/project/_walkthrough.ts';

/** Printed behind each step: the clock, and the processor time of all that has ended by then. */
const note = `printf '@ %s\\n' "$EPOCHREALTIME"; times`;
const seconds = (spent: string) => {
  const [, minutes = '0', rest = '0'] = /^(\d+)m([\d.]+)s$/.exec(spent) ?? [];
  return Number(minutes) * 60 + Number(rest);
};

for (let round = 0; round < Number(process.argv[2] ?? 3); round += 1) {
  const place = mkdtempSync(join(tmpdir(), 'grantgate-bench-'));
  try {
    const installed = await installPackage(place);
    const steps = await tutorialSteps();
    const last = steps.length - 1;
    const noted = steps.map((step, index) => ({
      ...step,
      shell: `${step.shell}\n${index === last ? 'wait || true\n' : ''}${note}\n`,
    }));
    const began = performance.timeOrigin + performance.now();
    const result = await runTutorial(noted, { place, ...installed });
    assertKept(noted, result);
    const notes = result.printed.map((text) => /^@ ([\d.]+)\n.*\n(\S+) (\S+)$/m.exec(text) ?? []);
    const at = ([, clock = 'NaN']: readonly string[]) => (Number(clock) * 1000 - began) / 1000;
    const first = steps.findIndex(({ prints }) => prints.at(-1) === '200');
    const [, , user = '', system = ''] = notes[last] ?? [];
    process.stdout.write(
      `first enforced request after ${at(notes[first] ?? []).toFixed(1)} s; the whole page ${at(notes[last] ?? []).toFixed(1)} s, processor ${(seconds(user) + seconds(system)).toFixed(1)} s\n`,
    );
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}
