import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { RevisionAnswer } from '../../gateway/admin/askRevision.ts';
import type { FleetStatus, WantedRevision } from '../../gateway/admin/fleetStatus.ts';
import type { Forge } from '../../reviewer/forge/forge.ts';
import { durationOf } from '../arguments/duration.ts';
import { assertGatewayUrls } from '../arguments/gatewayUrls.ts';
import { UsageError } from '../arguments/usageError.ts';
import { example, print, printJson, progress } from '../terminal.ts';

export function status(program: Command): void {
  example(
    program
      .command('status')
      .description('Ask gateways which revision they enforce; 1 until all of them enforce one.')
      .argument('<urls...>', 'the admin listeners')
      .option(
        '--revision <commit>',
        'the revision to wait for, or a newer one; left out, the newest that one of them enforces',
      )
      .option('--root <folder>', 'a repository that knows which commits are newer', '.')
      .option('--wait <time>', 'go on asking for so long, like 30s')
      .option(
        '--token-env <name>',
        'the environment variable that holds the admin token, if they want one',
        'GRANTGATE_ADMIN_TOKEN',
      )
      .option(
        '--github <owner/name>',
        'write it as a status of that commit, grantgate/enforced; once enforced, also on the pull request that it merged',
      )
      .option('--forge <url>', 'GitHub API address', process.env.GITHUB_API_URL ?? 'https://api.github.com')
      .option('--github-token-env <name>', 'the environment variable that holds its token', 'GITHUB_TOKEN')
      .option('--json', 'print it as JSON')
      .action(runStatus),
    'grantgate status http://10.0.0.1:9090 http://10.0.0.2:9090',
    'grantgate status http://127.0.0.1:9090 --revision HEAD --wait 30s --github example/access',
  );
}

type Options = {
  revision?: string;
  root: string;
  wait?: string;
  tokenEnv: string;
  github?: string;
  forge: string;
  githubTokenEnv: string;
  json?: true;
};

async function runStatus(urls: string[], options: Options, command: Command): Promise<void> {
  const { fleetSentence } = await import('../../gateway/admin/fleetStatus.ts');
  const { fleetText } = await import('../../gateway/admin/fleetText.ts');
  const { watchFleet } = await import('../../gateway/admin/watchFleet.ts');
  assertGatewayUrls(urls);
  const waitMs = options.wait === undefined ? 0 : durationOf(options.wait, '--wait');
  const token = process.env[options.tokenEnv] || null;
  if (token === null && command.getOptionValueSource('tokenEnv') === 'cli')
    throw new UsageError(`the environment variable ${options.tokenEnv} must hold the admin token`);
  const wanted = await wantedBy(options);
  const forge = await forgeOf(options);
  const report = await reporter(forge);
  const found = await watchFleet({
    urls,
    token,
    wanted,
    waitMs,
    async onWaiting(current) {
      progress(fleetSentence(current));
      await report(current, false);
    },
  });
  if (options.json) printJson(jsonOf(found));
  else print(fleetText(found));
  await report(found, waitMs > 0);
  if (found.enforced && forge !== null) await commentOnPull(forge, found, options.root);
  if (!found.enforced) process.exitCode = 1;
}

/** What the gateways should enforce. A repository at hand says which commits hold it; else numbers do. */
async function wantedBy({ revision, root: folder, ...rest }: Options) {
  if (revision === undefined) return async () => null;
  const { resolveCommit } = await import('../../bundle/git/git.ts');
  const { GitError } = await import('../../bundle/git/gitError.ts');
  const { relationOf } = await import('../../bundle/git/relationOf.ts');
  const { gitTree } = await import('../../bundle/git/tree.ts');
  const root = resolve(folder);
  const commit = await resolveCommit(root, revision).catch((error: unknown) => {
    if (error instanceof GitError) return null;
    throw error;
  });
  if (commit === null) {
    if (!/^[0-9a-f]{7,64}$/.test(revision))
      throw new UsageError(
        `${root} has no commit "${revision}"; without a repository it must be a commit's id`,
      );
    if (rest.github !== undefined && !/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(revision))
      throw new UsageError('--github needs the whole id of a commit, or a repository that knows it');
    return async (): Promise<WantedRevision> => ({ revision, counter: null, relations: new Map() });
  }
  const { counter, shallow } = await gitTree(root, commit);
  return async (answers: readonly RevisionAnswer[]): Promise<WantedRevision> => {
    const theirs = new Set(answers.flatMap((answer) => ('facts' in answer ? [answer.facts.revision] : [])));
    const relations = new Map(
      await Promise.all(
        [...theirs].map(async (other) => [other, await relationOf(root, commit, other)] as const),
      ),
    );
    return { revision: commit, counter: shallow ? null : counter, relations };
  };
}

/** Where the commit is merged; null where nothing is to be said there. */
async function forgeOf({ github: repository, forge, githubTokenEnv }: Options): Promise<Forge | null> {
  if (repository === undefined) return null;
  const { openForge } = await import('../../reviewer/forge/forge.ts');
  const { forgeTarget } = await import('../arguments/forgeTarget.ts');
  return openForge(forgeTarget({ repository, forge, base: 'main', tokenEnv: githubTokenEnv }, '--github'));
}

/** Writes commit statuses; the same one only once. */
async function reporter(
  forge: Forge | null,
): Promise<(status: FleetStatus, gaveUp: boolean) => Promise<void>> {
  if (forge === null) return async () => {};
  const { enforcedStatus } = await import('../../reviewer/forge/enforcedStatus.ts');
  const { fleetSentence } = await import('../../gateway/admin/fleetStatus.ts');
  let last = '';
  return async (current, gaveUp) => {
    if (current.revision === null) return;
    const said = enforcedStatus(fleetSentence(current), current.enforced, gaveUp);
    if (JSON.stringify(said) === last) return;
    last = JSON.stringify(said);
    await forge.setStatus(current.revision, said);
  };
}

/** Says where a revision was merged that all gateways enforce it, as far as the repository at hand knows its commit. */
async function commentOnPull(forge: Forge, found: FleetStatus, root: string): Promise<void> {
  if (found.revision === null) return;
  const { subjectOf } = await import('../../bundle/git/subjectOf.ts');
  const subject = await subjectOf(resolve(root), found.revision);
  if (subject === null) return;
  const { ForgeError } = await import('../../reviewer/forge/forgeError.ts');
  const { tellEnforced } = await import('../../reviewer/watch/tellEnforced.ts');
  const { fleetSentence } = await import('../../gateway/admin/fleetStatus.ts');
  const sentence = `${fleetSentence(found)}${found.slowestMs === null ? '' : ' after the merge'}.`;
  try {
    await tellEnforced(forge, { revision: found.revision, subject, sentence });
  } catch (error) {
    // A token that may write statuses only is enough for all else, and what was asked for is done.
    if (!(error instanceof ForgeError) || error.code !== 'forge-forbidden') throw error;
    process.stderr.write(`warning: not said on the pull request, as the token may not: ${error.message}\n`);
  }
}

const jsonOf = ({ revision, counter, enforced, slowestMs, gateways }: FleetStatus) => ({
  revision,
  counter,
  enforced,
  slowest_ms: slowestMs,
  gateways: gateways.map(({ answer, state }) => ({
    url: answer.url,
    state,
    ...('facts' in answer ? answer.facts : {}),
  })),
});
