import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildPackage } from '../../.github/scripts/buildPackage.ts';
import { findOpa } from '../../bundle/policy/opa.ts';
import { freePort } from '../_server.ts';
import { root } from './_copyRepository.ts';
import { runSteps, type Step, stepsOf } from './_walkthrough.ts';

/** The package as it lies in somebody's node_modules, where Node strips no types, beside the packages it depends on. */
export async function installPackage(place: string): Promise<{ installed: string; env: NodeJS.ProcessEnv }> {
  const installed = join(place, 'node_modules', 'grantgate');
  buildPackage(installed);
  const { dependencies } = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>;
  };
  for (const name of Object.keys(dependencies)) {
    mkdirSync(join(place, 'node_modules', name, '..'), { recursive: true });
    symlinkSync(join(root, 'node_modules', name), join(place, 'node_modules', name));
  }
  return { installed, env: { ...process.env, OPA_PATH: (await findOpa()).path, NO_COLOR: '1' } };
}

/** The steps of docs/tutorial.md, on ports that are free here. */
export async function tutorialSteps(): Promise<Step[]> {
  const [upstream, listen, admin] = [await freePort(), await freePort(), await freePort()];
  const page = readFileSync(join(root, 'docs/tutorial.md'), 'utf8')
    .replaceAll(':3000', `:${upstream}`)
    .replaceAll('listen(3000', `listen(${upstream}`)
    .replaceAll(':8080', `:${listen}`)
    .replaceAll(':9090', `:${admin}`);
  return stepsOf(page).map((step) =>
    step.shell.startsWith('grantgate init')
      ? {
          ...step,
          shell: `${step.shell}\nsed -i.bak 's/ 8080 / ${listen} /; s/ 9090 / ${admin} /' gateway.yaml; rm *.bak\n`,
        }
      : step,
  );
}

/** Types them into one shell, in an empty folder, with the installed package where the page has a clone. */
export function runTutorial(
  steps: readonly Step[],
  { place, installed, env }: { place: string; installed: string; env: NodeJS.ProcessEnv },
): ReturnType<typeof runSteps> {
  const [home, folder] = [join(place, 'home'), join(place, 'empty')];
  mkdirSync(join(home, 'grantgate'), { recursive: true });
  mkdirSync(folder);
  writeFileSync(
    join(home, 'grantgate/cli.ts'),
    `import ${JSON.stringify(join(installed, 'grantgate.js'))};\n`,
  );
  return runSteps(steps, { folder, env: { ...env, HOME: home } });
}
