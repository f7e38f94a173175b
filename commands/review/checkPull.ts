import { type Command, Option } from 'commander';
import type { PullCheck } from '../../reviewer/check/pullCheck.ts';
import { badRevision } from '../arguments/badRevision.ts';
import { daysOf } from '../arguments/days.ts';
import { type ForgeOptions, forgeTarget } from '../arguments/forgeTarget.ts';
import { instantAsOf } from '../arguments/instantAsOf.ts';
import { issueNumber } from '../arguments/issueNumber.ts';
import { UsageError } from '../arguments/usageError.ts';
import { abortOnStop } from '../stopSignal.ts';
import { example, folderOf, print, printJson, progress } from '../terminal.ts';

export function checkPull(program: Command): void {
  example(
    program
      .command('check-pull')
      .description(
        'Check what a pull request would merge: files and policies, who gains and loses access, who must approve it, and whom it would have denied.',
      )
      .argument('[base]', 'the branch that is merged into')
      .argument('[head]', 'what is merged')
      .option('--root <folder>', 'the repository', '.')
      .option('--decisions <paths...>', 'decision logs to replay: folders, files or globs', [
        '.grantgate/decisions',
      ])
      .option('--days <number>', 'how far they are looked back on', '90')
      .option('--as-of <time>', 'the instant to judge at (RFC 3339); now, when left out')
      .option('--out <file>', 'write the result there, to be posted by another run')
      .option(
        '--pull <number>',
        'post to this pull request: a comment and a check run; with --post, left out, to all open ones of that commit',
      )
      .option(
        '--post <file>',
        'post what another run wrote, and check nothing; with --head as the event names it',
      )
      .option('--head <commit>', 'the commit that the event names; what is of another one is refused')
      .option('--forge <url>', 'GitHub API address', process.env.GITHUB_API_URL ?? 'https://api.github.com')
      .option('--repository <owner/name>', 'the repository on the forge', process.env.GITHUB_REPOSITORY)
      .option('--base <branch>', 'the branch that is enforced', 'main')
      .option('--token-env <name>', 'the environment variable that holds the forge token', 'GITHUB_TOKEN')
      .addOption(new Option('--json', 'print the result as JSON'))
      .action(runCheckPull),
    'grantgate check-pull main HEAD',
    'grantgate check-pull origin/main HEAD --out check.json',
    'grantgate check-pull --post check.json --head 3f2a9c1d0b8e7f6a5c4d3e2f1a0b9c8d7e6f5a4b',
  );
}

type Options = ForgeOptions & {
  root: string;
  decisions: string[];
  days: string;
  asOf?: string;
  out?: string;
  pull?: string;
  post?: string;
  head?: string;
  json?: true;
};

async function runCheckPull(
  base: string | undefined,
  head: string | undefined,
  options: Options,
): Promise<void> {
  const number = options.pull === undefined ? null : issueNumber(options.pull, '--pull');
  if (options.post !== undefined) {
    if (base !== undefined)
      throw new UsageError('--post takes no revisions: it posts what another run found');
    return postFound(options.post, number, options);
  }
  if (base === undefined || head === undefined)
    throw new UsageError('two revisions must be named: what is merged into, and what is merged');
  if (options.head !== undefined) throw new UsageError('--head goes with --post only');
  const check = await compute(base, head, options);
  if (options.out !== undefined) {
    const { writeFile } = await import('node:fs/promises');
    await writeFile(options.out, `${JSON.stringify(check)}\n`);
  }
  if (number !== null)
    return post(check, { ...options, number, commit: check.head, revision: base, trusted: true });
  if (options.json) printJson(check);
  else if (options.out === undefined) await printCheck(check, options.root, base);
  if (check.failures + check.findingFailures > 0 || check.access === null) process.exitCode = 1;
}

/** Posts what another run found, which is not trusted, to a pull request; null: to all that have the commit. */
async function postFound(file: string, number: number | null, options: Options): Promise<void> {
  const { head: commit } = options;
  if (commit === undefined)
    throw new UsageError('--post needs --head, as the event that is trusted names it');
  if (!/^[0-9a-f]{40}(?:[0-9a-f]{24})?$/.test(commit))
    throw new UsageError(`--head must be a commit's full id, got "${commit}"`);
  const { readPullCheck, mostFileBytes } = await import('../../reviewer/check/pullCheck.ts');
  const check = readPullCheck(await readBounded(file, mostFileBytes));
  const numbers = number === null ? await pullsOf(commit, options) : [number];
  if (numbers.length === 0) print(`no open pull request has the commit ${commit}, nothing posted`);
  for (const one of numbers)
    await post(check, { ...options, number: one, commit, revision: 'HEAD', trusted: false });
}

async function compute(base: string, head: string, options: Options): Promise<PullCheck> {
  const asOfMs = instantAsOf(options);
  const days = daysOf(options);
  const { checkPull } = await import('../../reviewer/check/checkPull.ts');
  const signal = abortOnStop();
  return checkPull({
    ...{ repository: folderOf(options.root), base, head, decisions: options.decisions },
    ...{ days, asOf: Math.floor(asOfMs / 1000), signal, progress },
  }).catch(badRevision);
}

/** The directory of the base: who is who is never read from what is to be merged. */
async function directoryAt(root: string, revision: string) {
  const { gitTree } = await import('../../bundle/git/tree.ts');
  const { load } = await import('../../bundle/grants/load.ts');
  const { organisation } = await load(await gitTree(folderOf(root), revision));
  return organisation ?? { people: new Map(), memberships: new Map() };
}

async function printCheck(check: PullCheck, root: string, base: string): Promise<void> {
  const { settleApprovals } = await import('../../reviewer/check/settleApprovals.ts');
  const { outcomeOf } = await import('../../reviewer/check/outcome.ts');
  const { renderCheck } = await import('../../reviewer/check/renderCheck.ts');
  const settled = settleApprovals(check, null, await directoryAt(root, base));
  print(renderCheck(check, settled, outcomeOf(check, settled, true)));
}

/** An event about a fork's commit names no pull request. */
async function pullsOf(head: string, options: Options): Promise<number[]> {
  const { openChecks } = await import('../../reviewer/forge/checks.ts');
  const target = forgeTarget(options);
  return openChecks(target).pullsOf(head, options.base);
}

type Posting = Options & { number: number; commit: string; revision: string; trusted: boolean };

async function post(check: PullCheck, options: Posting): Promise<void> {
  const { openChecks } = await import('../../reviewer/forge/checks.ts');
  const { postCheck } = await import('../../reviewer/check/postCheck.ts');
  const target = forgeTarget(options);
  const signal = abortOnStop();
  const { number, commit: head, base, trusted, root, revision, json } = options;
  const directory = await directoryAt(root, revision);
  const forge = openChecks(target, signal);
  const posted = await postCheck({ forge, check, number, head, base, directory, trusted });
  if (json) printJson(posted);
  else if (posted.outcome === null)
    print(`#${number}: has moved on from ${head.slice(0, 12)}, nothing posted`);
  else
    print(
      `#${number}: ${posted.outcome.conclusion} (${posted.outcome.title}); comment ${posted.comment}, check ${posted.check}`,
    );
  if (trusted && posted.outcome?.conclusion === 'failure') process.exitCode = 1;
}

/** No more of a file than it may have: what is larger is refused without being read. */
async function readBounded(path: string, most: number): Promise<Buffer> {
  const { open } = await import('node:fs/promises');
  const file = await open(path).catch((error: unknown) => {
    throw new UsageError(`${path} cannot be read`, { cause: error });
  });
  try {
    const bytes = Buffer.alloc(most + 1);
    let length = 0;
    for (;;) {
      const { bytesRead } = await file.read(bytes, length, bytes.length - length);
      length += bytesRead;
      if (bytesRead === 0 || length === bytes.length) return bytes.subarray(0, length);
    }
  } finally {
    await file.close();
  }
}
