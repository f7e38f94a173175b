import type { Command } from 'commander';
import { counted } from '../../bundle/format/counted.ts';
import { messageOf } from '../../bundle/format/messageOf.ts';
import type { ReviewResult } from '../../reviewer/review.ts';
import { adminTokenOf, adminTokenOption } from '../arguments/adminToken.ts';
import { type ForgeOptions, forgeIn, forgeOptions } from '../arguments/forgeTarget.ts';
import { instantAsOf } from '../arguments/instantAsOf.ts';
import { issueNumber } from '../arguments/issueNumber.ts';
import { portOf } from '../arguments/port.ts';
import { UsageError } from '../arguments/usageError.ts';
import { growHeapSlowly } from '../growHeapSlowly.ts';
import { abortOnStop, stopSignal } from '../stopSignal.ts';
import { example, folderOf, print, printJson, progress } from '../terminal.ts';
import { trendsFile } from './trends.ts';

export function review(program: Command): void {
  example(
    forgeOptions(
      program
        .command('review')
        .description('Find access that should go; with --apply, open and update pull requests.')
        .option('--root <folder>', 'the repository with grants/', '.')
        .option('--decisions <paths...>', 'decision logs: folders, files or globs', ['.grantgate/decisions'])
        .option(
          '--usage <places...>',
          "gateways' daily roll-ups: folders, files, globs, or addresses of admin listeners",
          ['.grantgate/usage'],
        )
        .addOption(adminTokenOption())
        .option('--as-of <time>', 'the instant to judge at (RFC 3339); now, when left out')
        .option('--apply', 'open and update pull requests; without it nothing is changed'),
    )
      .option(
        '--explain <fingerprint>',
        'show why a finding of the plan was found: facts, thresholds, and the Rego that decided',
      )
      .option(
        '--recommend',
        'recommend controls that follow from observed use: rates, second factors, networks, ends',
      )
      .option('--trends <file>', 'where the run is noted, a line each', trendsFile)
      .option('--no-trends', 'do not note the run')
      .option('--metrics <file>', 'write the run for the textfile collector of Prometheus, too')
      .option(
        '--campaign <name>',
        'ask every owner about every grant, to a date; with --apply it is opened, and gone on with',
      )
      .option(
        '--scope <what>',
        'with --campaign: api:NAME, tier:NAME, owner:user:LOGIN, owner:group:NAME or group:NAME',
      )
      .option('--due <date>', 'with --campaign: its last day; as review.yaml says, when left out')
      .option('--json', 'print the plan, or how a campaign stands, as JSON')
      .option('--answer <number>', 'carry out what comments on a pull request ask for, and nothing else')
      .option('--listen <port>', 'take webhooks of the forge, and answer the comments they tell of')
      .option(
        '--secret-env <name>',
        'the environment variable that holds the webhook secret',
        'GITHUB_WEBHOOK_SECRET',
      )
      .action(runReview),
    'grantgate review --decisions decisions/',
    'grantgate review --usage http://10.0.0.1:9090 http://10.0.0.2:9090',
    'grantgate review --apply --repository northwind/access --json',
    'grantgate review --campaign 2026-Q4 --scope tier:high --due 2026-12-31 --apply --repository northwind/access',
  );
}

type ReviewOptions = ForgeOptions & {
  root: string;
  decisions: string[];
  usage: string[];
  adminTokenEnv: string;
  asOf?: string;
  apply?: true;
  json?: true;
  recommend?: true;
  explain?: string;
  trends: string | false;
  metrics?: string;
  campaign?: string;
  scope?: string;
  due?: string;
  answer?: string;
  listen?: string;
  secretEnv: string;
};

async function runReview(options: ReviewOptions): Promise<void> {
  growHeapSlowly();
  if (options.answer !== undefined) return runAnswer(options, options.answer);
  if (options.listen !== undefined) return runListen(options, options.listen);
  if (options.campaign !== undefined) {
    const { runCampaign } = await import('./campaign.ts');
    return runCampaign({ ...options, campaign: options.campaign });
  }
  if (options.scope !== undefined || options.due !== undefined)
    throw new UsageError('--scope and --due are of a campaign: give --campaign NAME');
  const asOfMs = instantAsOf(options);
  if (options.explain !== undefined && options.apply)
    throw new UsageError('--explain changes nothing, so it goes without --apply');
  const { review } = await import('../../reviewer/review.ts');
  const result = await review({
    root: folderOf(options.root),
    decisions: options.decisions,
    usage: options.usage,
    adminToken: adminTokenOf(options),
    asOfMs,
    nowMs: Date.now(),
    ...(options.apply ? { apply: { forge: await forgeIn(options) } } : {}),
    ...(options.explain === undefined ? {} : { explain: options.explain }),
    ...(options.recommend && { recommend: true }),
    signal: abortOnStop(),
    progress,
  });
  if (options.explain !== undefined) return printExplained(options.explain, result, options);
  await note(options, result.summary);
  if (options.json) printJson(jsonOf(result, options));
  else await printResult(result, options);
  if (result.error !== null) throw result.error;
}

async function printExplained(
  fingerprint: string,
  { explained }: ReviewResult,
  { json }: ReviewOptions,
): Promise<void> {
  if (explained == null)
    throw new UsageError(`the plan has no finding, or several, with the fingerprint "${fingerprint}"`);
  const { explainedText } = await import('../../reviewer/plan/explainFinding.ts');
  if (json) printJson(explained);
  else print(explainedText(explained));
}

const jsonOf = ({ plan, missed, pulls, told }: ReviewResult, { apply }: ReviewOptions) => ({
  ...plan,
  ...(missed.length > 0 && { missed }),
  ...(apply && { pull_requests: pulls, told }),
});

async function printResult(
  { plan, pulls, missed, told, consent }: ReviewResult,
  { apply }: ReviewOptions,
): Promise<void> {
  const { renderTable } = await import('../../reviewer/pulls/renderTable.ts');
  const { missedSentence } = await import('../../reviewer/watch/missedText.ts');
  print(renderTable(plan, pulls, process.stdout.columns));
  for (const one of missed) {
    const said = told.find(({ grant }) => grant === one.grant);
    print(`${missedSentence(one)}${said === undefined ? '' : `; said in ${said.pull}`}`);
  }
  if (!apply && plan.findings.length > 0) print(`Nothing was changed: ${wouldBe(consent)}.\n`);
}

/** What a run with --apply would do, by what the repository says of it. */
function wouldBe(consent: boolean | null): string {
  if (consent === false)
    return 'nor would it be with --apply, for grants/review.yaml says `pull_requests: { consent: false }`';
  const opened = 'with --apply, pull requests are opened and updated';
  return consent === true
    ? opened
    : `${opened}; where the review is new to the repository, first one that only shows what would be`;
}

/** Adds the run to the file of runs, and tells Prometheus. Only what somebody asked for fails where it cannot be written. */
async function note({ trends, metrics }: ReviewOptions, summary: ReviewResult['summary']): Promise<void> {
  const { appendTrend, withRun } = await import('../../reviewer/trends/trendsFile.ts');
  const { writeWhole } = await import('../../reviewer/writeWhole.ts');
  let lines = withRun([], summary);
  if (trends !== false)
    try {
      lines = await appendTrend(trends, summary);
    } catch (error) {
      const why = messageOf(error);
      if (trends !== trendsFile) throw new UsageError(`the run cannot be noted in ${trends}: ${why}`);
      process.stderr.write(`grantgate: the run is not noted: ${why}\n`);
    }
  if (metrics === undefined) return;
  const { trendsMetrics } = await import('../../reviewer/trends/trendsMetrics.ts');
  try {
    await writeWhole(metrics, await trendsMetrics(lines));
  } catch (error) {
    throw new UsageError(`${metrics} cannot be written: ${messageOf(error)}`);
  }
}

async function runAnswer(options: ReviewOptions, text: string): Promise<void> {
  const { answer } = await import('../../reviewer/answer.ts');
  const number = issueNumber(text, '--answer');
  const signal = abortOnStop();
  const { handled, changed, reason } = await answer(await forgeIn(options), number, signal);
  print(
    `#${number}: ${reason ?? `${counted(handled, 'comment')} answered, the pull request is ${changed ? 'changed' : 'unchanged'}`}\n`,
  );
}

async function runListen(options: ReviewOptions, text: string): Promise<void> {
  const { answer } = await import('../../reviewer/answer.ts');
  const { serveWebhooks } = await import('../../reviewer/serveWebhooks.ts');
  const target = await forgeIn(options);
  const secret = process.env[options.secretEnv];
  if (!secret)
    throw new UsageError(`the environment variable ${options.secretEnv} must hold the webhook's secret`);
  const stop = new AbortController();
  const { url, close } = await serveWebhooks({
    ...{ port: portOf(text, '--listen'), secret, progress },
    slug: `${target.owner}/${target.repo}`,
    metrics: async () => {
      const { readTrends } = await import('../../reviewer/trends/trendsFile.ts');
      const { trendsMetrics } = await import('../../reviewer/trends/trendsMetrics.ts');
      return trendsMetrics(options.trends === false ? [] : await readTrends(options.trends));
    },
    answer: (number) => answer(target, number, stop.signal),
  });
  progress(`webhooks are taken at ${url}`);
  await stopSignal();
  stop.abort();
  await close();
}
