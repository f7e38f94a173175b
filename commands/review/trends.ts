import { type Command, Option } from 'commander';
import { UsageError } from '../arguments/usageError.ts';
import { example, print, printJson } from '../terminal.ts';

/** Where reviews note their runs unless told otherwise. */
export const trendsFile = '.grantgate/trends.ndjson';

export function trends(program: Command): void {
  example(
    program
      .command('trends')
      .description(
        'Show how reviews have gone: grants, people, what is unused, findings and how long they are open.',
      )
      .argument('[file]', 'where `review` notes its runs', trendsFile)
      .addOption(new Option('--json', 'print the runs as JSON').conflicts('html'))
      .addOption(new Option('--html', 'print one page with charts that needs nothing else').conflicts('json'))
      .action(runTrends),
    'grantgate trends',
    'grantgate trends --html > trends.html',
  );
}

async function runTrends(file: string, options: { json?: true; html?: true }): Promise<void> {
  const { readTrends } = await import('../../reviewer/trends/trendsFile.ts');
  const lines = await readTrends(file).catch((error: NodeJS.ErrnoException) => {
    if (error.name === 'ReviewError') throw error;
    throw new UsageError(`${file} cannot be read: ${error.code ?? error.message}`);
  });
  if (lines.length === 0 && file !== trendsFile) throw new UsageError(`there are no runs in ${file}`);
  if (options.json) printJson(lines.map(({ open: _, ...line }) => line));
  else if (options.html) print((await import('../../reviewer/trends/trendsPage.ts')).trendsPage(lines));
  else {
    const { trendsText } = await import('../../reviewer/trends/trendsText.ts');
    for (const line of trendsText(lines, process.stdout.columns ?? 80)) print(line);
  }
}
