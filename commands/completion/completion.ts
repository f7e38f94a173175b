import { Argument, type Command } from 'commander';
import { example, print } from '../terminal.ts';

export function completion(program: Command): void {
  example(
    program
      .command('completion')
      .description('Print what a shell needs to complete commands, options, their values and files.')
      .addArgument(new Argument('<shell>', 'which one').choices(['bash', 'zsh', 'fish']))
      .action(async (shell: string) => {
        const { completionTable } = await import('./completionTable.ts');
        const table = completionTable(program);
        if (shell === 'bash') print((await import('./bashCompletion.ts')).bashCompletion(table));
        else if (shell === 'zsh') print((await import('./zshCompletion.ts')).zshCompletion(table));
        else print((await import('./fishCompletion.ts')).fishCompletion(table));
      }),
    'source <(grantgate completion bash)',
    'grantgate completion fish > ~/.config/fish/completions/grantgate.fish',
  );
}
