import type { Command } from 'commander';
import { type ForgeOptions, forgeTarget } from './arguments/forgeTarget.ts';
import { UsageError } from './arguments/usageError.ts';
import { stopSignal } from './stopSignal.ts';
import { example, folderOf, print, printJson, progress } from './terminal.ts';

export function review(program: Command): void {
  example(
    program
      .command('review')
      .description('Find access that should go; with --apply, open and update pull requests.')
      .option('--root <folder>', 'the repository with grants/', '.')
      .option('--decisions <paths...>', 'decision logs: folders, files or globs', ['.grantgate/decisions'])
      .option('--as-of <time>', 'the instant to judge at (RFC 3339); now, when left out')
      .option('--apply', 'open and update pull requests; without it nothing is changed')
      .option('--forge <url>', 'GitHub API address', process.env.GITHUB_API_URL ?? 'https://api.github.com')
      .option('--repository <owner/name>', 'the repository on the forge', process.env.GITHUB_REPOSITORY)
      .option('--base <branch>', 'the branch that is enforced', 'main')
      .option('--token-env <name>', 'the environment variable that holds the forge token', 'GITHUB_TOKEN')
      .option('--json', 'print the plan as JSON')
      .action(runReview),
    'grantgate review --decisions decisions/',
    'grantgate review --apply --repository northwind/access --json',
  );
}

type ReviewOptions = ForgeOptions & {
  root: string;
  decisions: string[];
  asOf?: string;
  apply?: true;
  json?: true;
};

async function runReview(options: ReviewOptions): Promise<void> {
  const { review } = await import('../reviewer/review.ts');
  const { renderTable } = await import('../reviewer/pulls/renderTable.ts');
  const asOf = options.asOf === undefined ? Date.now() : Date.parse(options.asOf);
  if (Number.isNaN(asOf))
    throw new UsageError(`--as-of must be an instant like 2026-03-01T09:00:00Z, got "${options.asOf}"`);
  const stop = new AbortController();
  void stopSignal().then(() => stop.abort());
  const { plan, pulls, error } = await review({
    root: folderOf(options.root),
    decisions: options.decisions,
    asOf,
    ...(options.apply ? { apply: { forge: forgeTarget(options) } } : {}),
    signal: stop.signal,
    progress,
  });
  if (options.json) printJson(options.apply ? { ...plan, pull_requests: pulls } : plan);
  else print(renderTable(plan, pulls, process.stdout.columns));
  if (error !== null) throw error;
}
