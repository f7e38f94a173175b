import type { Command } from 'commander';
import type { RepositoryQuestion } from '../gateway/explain/explainRepository.ts';
import { example, print, printJson, progress } from './terminal.ts';

export function explain(program: Command): void {
  example(
    program
      .command('explain')
      .description('Say why a caller may do something or may not, who granted it, and what to ask for.')
      .requiredOption('--subject <principal>', 'user:LOGIN or service:NAME')
      .requiredOption('--api <name>', 'the API')
      .option('--operation <name>', 'the operation; or the request:')
      .option('--method <method>', 'its method; GET, when left out')
      .option('--path <path>', 'its path')
      .option('--networks <names...>', 'declared networks the caller is in')
      .option('--mfa', 'the caller signed in with a second factor')
      .option('--at <time>', 'the instant to decide at (RFC 3339); now, when left out')
      .option('--root <folder>', 'the repository', '.')
      .option('--revision <commit>', 'a commit; the files on disk, when left out')
      .option('--json', 'print the explanation as JSON')
      .action(async ({ json, ...question }: RepositoryQuestion & { json?: true }) => {
        const { explainRepository } = await import('../gateway/explain/explainRepository.ts');
        const { explanation, text } = await explainRepository(question, { now: Date.now(), progress });
        if (json) printJson(explanation);
        else print(text);
      }),
    'grantgate explain --subject user:ann@example.com --api orders --operation getOrder',
  );
}
