import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { RepositoryQuestion } from '../../gateway/explain/explainRepository.ts';
import { UsageError } from '../arguments/usageError.ts';
import { example, print, printJson, progress } from '../terminal.ts';

type Asked = Omit<RepositoryQuestion, 'subject' | 'api'> &
  Partial<Pick<RepositoryQuestion, 'subject' | 'api'>> & {
    token?: string;
    config?: string;
    json?: true;
    param?: string[];
    claim?: string[];
    fact?: string[];
  };

export function explain(program: Command): void {
  example(
    program
      .command('explain')
      .description('Say why a caller may do something or may not, who granted it, and what to ask for.')
      .option('--subject <principal>', 'user:LOGIN or service:NAME')
      .option('--api <name>', 'the API')
      .option('--operation <name>', 'the operation; or the request, by method and path')
      .option('--method <method>', 'its method; GET, when left out')
      .option('--path <path>', 'its path')
      .option('--networks <names...>', 'declared networks the caller is in')
      .option('--param <name=value...>', 'path parameters of the request, where the operation is named')
      .option('--claim <name=value...>', "claims of the caller's token that grants compare parameters with")
      .option('--fact <name=value...>', 'facts of the request that the API names; a list with commas')
      .option('--mfa', 'the caller signed in with a second factor')
      .option('--at <time>', 'the instant to decide at (RFC 3339); now, when left out')
      .option('--token <file>', 'instead of a subject: why that token would be refused; - is standard input')
      .option('--config <file>', 'with --token: the gateway.yaml that it would be refused by')
      .option('--root <folder>', 'the repository', '.')
      .option('--revision <commit>', 'a commit; the files on disk, when left out')
      .option('--json', 'print the explanation as JSON')
      .action(async ({ json, token, config, param, claim, fact, ...asked }: Asked) => {
        if (token !== undefined) {
          if (config === undefined || asked.subject !== undefined || asked.api !== undefined)
            throw new UsageError('--token goes with --config gateway.yaml, and without --subject and --api');
          const { readConfig } = await import('../../gateway/config/config.ts');
          const { explainToken, tokenText } = await import('../../gateway/explain/explainToken.ts');
          const text = readFileSync(token === '-' ? 0 : token, 'utf8');
          const told = await explainToken(text, {
            config: readConfig(resolve(config)),
            env: process.env,
            now: Date.now,
          });
          if (json) printJson(told);
          else print(tokenText(told));
          return;
        }
        const { subject, api } = asked;
        if (subject === undefined || api === undefined)
          throw new UsageError('name --subject and --api, or --token and --config');
        const question = {
          ...asked,
          subject,
          api,
          params: pairs(param),
          claims: pairs(claim),
          facts: pairs(fact),
        };
        const { explainRepository } = await import('../../gateway/explain/explainRepository.ts');
        const { explanation, text } = await explainRepository(question, { nowMs: Date.now(), progress });
        if (json) printJson(explanation);
        else print(text);
      }),
    'grantgate explain --subject user:ann@example.com --api orders --operation getOrder',
  );
}

/** `NAME=VALUE` as an object; a value may hold an equals sign. */
function pairs(texts: readonly string[] = []): Record<string, string> {
  return Object.fromEntries(
    texts.map((text) => {
      const at = text.indexOf('=');
      if (at <= 0) throw new UsageError(`expected NAME=VALUE, got ${JSON.stringify(text)}`);
      return [text.slice(0, at), text.slice(at + 1)];
    }),
  );
}
