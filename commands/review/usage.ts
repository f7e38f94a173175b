import { once } from 'node:events';
import { type Command, Option } from 'commander';
import { daySeconds, isDay } from '../../bundle/format/times.ts';
import { adminTokenOf, adminTokenOption } from '../arguments/adminToken.ts';
import { instantAsOf } from '../arguments/instantAsOf.ts';
import { UsageError } from '../arguments/usageError.ts';
import { abortOnStop } from '../stopSignal.ts';
import { example } from '../terminal.ts';

export function usage(program: Command): void {
  example(
    program
      .command('usage')
      .description('Merge what gateways recorded into one table, and say how much of it is vouched for.')
      .argument(
        '[places...]',
        'folders, files and globs (.ndjson, .gz, .zst, .parquet), admin listeners, s3://BUCKET/PREFIX',
        ['.grantgate/decisions', '.grantgate/usage'],
      )
      .addOption(
        new Option('--by <view>', 'what a row is about')
          .choices(['grant', 'operation', 'api', 'person', 'coverage'])
          .default('grant'),
      )
      .option('--since <day>', 'the first day, like 2026-03-01; 90 days back, when left out')
      .option('--as-of <time>', 'the last instant (RFC 3339); now, when left out')
      .addOption(adminTokenOption())
      .addOption(new Option('--json', 'print it as JSON').conflicts('csv'))
      .addOption(new Option('--csv', 'print a line for each row').conflicts('json'))
      .action(runUsage),
    'grantgate usage --by person',
    'grantgate usage http://10.0.0.1:9090 s3://evidence/decisions/ --by operation --csv > usage.csv',
  );
}

type Options = {
  by: string;
  since?: string;
  asOf?: string;
  adminTokenEnv: string;
  json?: true;
  csv?: true;
};

async function runUsage(places: string[], options: Options): Promise<void> {
  const { by } = options;
  const nowSeconds = Date.now() / 1000;
  const to = options.asOf === undefined ? null : instantAsOf(options) / 1000;
  const { since } = options;
  if (since !== undefined && !isDay(since))
    throw new UsageError(`--since must be a day like 2026-03-01, got "${since}"`);
  const from = since === undefined ? (to ?? nowSeconds) - 90 * daySeconds : Date.parse(since) / 1000;
  const { views } = await import('../../reviewer/evidence/tally.ts');
  const { bucketAccess } = await import('../../reviewer/sources/bucketObjects.ts');
  const { gatherUsage } = await import('../../reviewer/usage/gatherUsage.ts');
  const signal = abortOnStop();
  const report = await gatherUsage({
    ...{ places, from, to, readAt: nowSeconds, by: views.find((view) => view === by) ?? 'grant' },
    token: adminTokenOf(options),
    bucket: bucketAccess(process.env),
    signal,
  });
  try {
    for await (const piece of await piecesOf(report, options))
      if (!process.stdout.write(piece)) await once(process.stdout, 'drain');
  } finally {
    await report.close();
  }
}

type Report = Awaited<ReturnType<typeof import('../../reviewer/usage/gatherUsage.ts').gatherUsage>>;

async function piecesOf(report: Report, { by, json, csv }: Options): Promise<AsyncIterable<string>> {
  if (json) return (await import('../../reviewer/usage/usageJson.ts')).usageJson(report, by);
  if (csv) return (await import('../../reviewer/usage/usageCsv.ts')).usageCsv(report, by);
  const { usageText } = await import('../../reviewer/usage/usageText.ts');
  return (async function* () {
    for await (const line of usageText(report, by)) yield `${line}\n`;
  })();
}
