import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Command, Option } from 'commander';
import { adminTokenOf, adminTokenOption } from '../arguments/adminToken.ts';
import { badRevision } from '../arguments/badRevision.ts';
import { daysOf } from '../arguments/days.ts';
import { assertGatewayUrls } from '../arguments/gatewayUrls.ts';
import { instantAsOf } from '../arguments/instantAsOf.ts';
import { UsageError } from '../arguments/usageError.ts';
import { abortOnStop } from '../stopSignal.ts';
import { example, folderOf, print, printJson, progress } from '../terminal.ts';

export function replay(program: Command): void {
  example(
    program
      .command('replay')
      .description(
        'Decide the recorded requests of a window by two revisions: what would be denied, what allowed, and what the records cannot show.',
      )
      .argument('<base>', 'the revision before')
      .argument('<head>', 'the revision after')
      .option('--root <folder>', 'the repository', '.')
      .option('--merge-base', 'compare with where HEAD was branched off from BASE')
      .option('--decisions <paths...>', 'decision logs: folders, files or globs', ['.grantgate/decisions'])
      .option(
        '--gateway <urls...>',
        'admin listeners: the newest decisions there, the 200 that each keeps at hand; without --decisions these alone',
        [],
      )
      .addOption(adminTokenOption())
      .option('--days <number>', 'how far the window reaches back', '90')
      .option(
        '--as-of <time>',
        'when the requests come again, which is where the window ends (RFC 3339); now, when left out',
      )
      .addOption(
        new Option('--format <format>', 'how to print it')
          .choices(['text', 'json', 'markdown'])
          .default('text'),
      )
      .option('--json', 'the same as --format json')
      .option('--markdown', 'the same as --format markdown')
      .option('--strict', 'fail unless the records show that no request is affected')
      .action(runReplay),
    'grantgate replay main HEAD --decisions decisions/',
    'grantgate replay main HEAD --gateway http://127.0.0.1:9090',
    'grantgate replay origin/main HEAD --merge-base --strict --markdown',
  );
}

type Options = {
  root: string;
  mergeBase?: true;
  decisions: string[];
  gateway: string[];
  adminTokenEnv: string;
  days: string;
  asOf?: string;
  format: string;
  json?: true;
  markdown?: true;
  strict?: true;
};

async function runReplay(base: string, head: string, options: Options, command: Command): Promise<void> {
  const { gateway, decisions } = options;
  const asked = { token: adminTokenOf(options), timeoutMs: 30_000 };
  if (gateway.length === 0) return replayed(base, head, options);
  assertGatewayUrls(gateway);
  const { fetchLines } = await import('../../reviewer/sources/fetchLines.ts');
  const folder = await mkdtemp(join(tmpdir(), 'grantgate-replay-'));
  try {
    for (const [index, url] of gateway.entries()) {
      const reason = await fetchLines(url, '/decisions', join(folder, `${index}.ndjson`), asked);
      if (reason !== null) throw new UsageError(`the gateway at ${url} was not asked: ${reason}`);
    }
    const given = command.getOptionValueSource('decisions') === 'cli' ? decisions : [];
    await replayed(base, head, { ...options, decisions: [...given, folder] });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function replayed(base: string, head: string, options: Options): Promise<void> {
  const asOfMs = instantAsOf(options);
  const days = daysOf(options);
  const { replayRevisions } = await import('../../reviewer/replay/replayRevisions.ts');
  const { verdictOf } = await import('../../reviewer/replay/replay.ts');
  const signal = abortOnStop();
  const found = await replayRevisions({
    ...{ repository: folderOf(options.root), base, head, mergeBase: options.mergeBase === true },
    ...{ decisions: options.decisions, asOf: Math.floor(asOfMs / 1000), days },
    signal,
    progress,
  }).catch(badRevision);
  const format = options.json ? 'json' : options.markdown ? 'markdown' : options.format;
  if (format === 'json') printJson((await import('../../reviewer/replay/replayJson.ts')).replayJson(found));
  else if (format === 'markdown')
    print((await import('../../reviewer/replay/replayMarkdown.ts')).replayMarkdown(found));
  else print((await import('../../reviewer/replay/replayText.ts')).replayText(found));
  if (options.strict && verdictOf(found) !== 'harmless') process.exitCode = 1;
}
