import type { Command } from 'commander';
import { example, folderOf, print, printJson } from '../terminal.ts';

export function check(program: Command): void {
  example(
    program
      .command('check')
      .description('Check grants, policies and example decisions; print every problem with its place.')
      .argument('[root]', 'the repository', '.')
      .option('--strict', 'fail on warnings too')
      .option('--json', 'print problems and summary as JSON')
      .action(async (root: string, options: { json?: true; strict?: true }) => {
        const { check } = await import('../../bundle/check.ts');
        const { formatProblem, formatWarning } = await import('../../bundle/yaml/problem.ts');
        const { evaluateWasm } = await import('../../gateway/decision/evaluator.ts');
        const found = await check(folderOf(root), { evaluator: evaluateWasm });
        const { warnings, summary, public: open } = found;
        const problems = [...found.problems];
        // Decided by what would be built, so only where that can be.
        if (problems.length === 0) {
          const { testRepository } = await import('../../gateway/explain/testRepository.ts');
          problems.push(...(await testRepository(folderOf(root), { policies: false })).problems);
        }
        const tell = (line: string) => void process.stderr.write(`${line}\n`);
        if (!options.json) for (const found of warnings) tell(formatWarning(found));
        if (!options.json && open.length > 0)
          tell(`open to anybody, without a credential: ${open.join(', ')}`);
        if (options.json) printJson({ problems, warnings, summary, public: open });
        else if (problems.length > 0) {
          for (const found of problems) print(formatProblem(found));
          print(counted(problems.length, 'problem'));
        } else if (options.strict && warnings.length > 0) print(counted(warnings.length, 'warning'));
        else
          print(
            Object.entries(summary)
              .map(([what, count]) => `${count} ${count === 1 ? singular(what) : what}`)
              .join(', '),
          );
        if (problems.length > 0 || (options.strict && warnings.length > 0)) process.exitCode = 1;
      }),
    'grantgate check --strict',
    'grantgate check ../access --json',
  );
}

const counted = (count: number, what: string) => `${count} ${count === 1 ? what : `${what}s`}`;

const singular = (what: string) => (what === 'people' ? 'person' : what.replace(/s$/, ''));
