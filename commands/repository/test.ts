import type { Command } from 'commander';
import { counted } from '../../bundle/format/counted.ts';
import { example, folderOf, print, printJson, progress } from '../terminal.ts';

export function test(program: Command): void {
  example(
    program
      .command('test')
      .description("Run the policies' tests and the example decisions in tests/*.yaml.")
      .argument('[root]', 'the repository', '.')
      .option('--json', 'print problems as JSON')
      .action(async (root: string, { json }: { json?: true }) => {
        const { formatProblem } = await import('../../bundle/yaml/problem.ts');
        const { testRepository } = await import('../../gateway/explain/testRepository.ts');
        const { problems, examples } = await testRepository(folderOf(root), { progress, policies: true });
        if (json) printJson({ problems, examples });
        else {
          for (const found of problems) print(formatProblem(found));
          print(
            problems.length > 0
              ? counted(problems.length, 'problem')
              : `the policies' tests pass; ${counted(examples, 'example decision comes', 'example decisions come')} out as expected`,
          );
        }
        if (problems.length > 0) process.exitCode = 1;
      }),
    'grantgate test',
    'grantgate test ../access --json',
  );
}
