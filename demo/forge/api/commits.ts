import { commitsBetween, readCommits } from '../git/commits.ts';
import { changedFiles, emptyTree, mergeBase } from '../git/compare.ts';
import { ApiError, notFound } from '../model/apiError.ts';
import { type Core, repositoryApi, repositoryUrl } from '../model/core.ts';
import { resolve } from '../model/resolve.ts';
import type { Methods } from '../model/shapes.ts';
import { type Call, type Handler, ok, page } from './call.ts';
import { renderFile } from './renderFile.ts';
import { type CommitShape, renderGitCommit } from './renderGitCommit.ts';

const mostListed = 10_000;

async function commitNamed(core: Core, name: string): Promise<string> {
  const sha = await resolve(core, name);
  if (sha === null) throw new ApiError(422, `No commit found for SHA: ${name}`);
  return sha;
}

export const listCommits: Handler = async (call) => {
  const { core, query } = call;
  const path = query.get('path');
  const tip = await resolve(core, query.get('sha') ?? core.defaultBranch);
  if (tip === null) throw notFound();
  const ids = (
    await core.git.text([
      'rev-list',
      `--max-count=${mostListed}`,
      tip,
      ...(path === null ? [] : ['--', `:(literal)${path}`]),
    ])
  ).split('\n');
  const paged = page(call, ids.filter(Boolean));
  const commits = await readCommits(core.git, paged.items);
  return {
    status: 200,
    body: commits.map((commit) => renderGitCommit(core, commit)),
    headers: paged.headers,
  };
};

async function withFiles(core: Core, sha: string): Promise<CommitShape> {
  const [commit] = await readCommits(core.git, [sha]);
  if (commit === undefined) throw notFound();
  const files = await changedFiles(core.git, commit.parents[0] ?? emptyTree, sha);
  const additions = files.reduce((total, file) => total + file.additions, 0);
  const deletions = files.reduce((total, file) => total + file.deletions, 0);
  return {
    ...renderGitCommit(core, commit),
    stats: { total: additions + deletions, additions, deletions },
    files: files.map((file) => renderFile(core, file, sha)),
  };
}

export const getCommit: Handler = async (call) => {
  const sha = await commitNamed(call.core, call.params['*'] ?? '');
  return ok(await withFiles(call.core, sha));
};

/** `BASE...HEAD`, the three-dot comparison. */
export const compareCommits: Handler = async (call: Call) => {
  const { core } = call;
  const [left, right] = (call.params['*'] ?? '').split('...');
  const base = await resolve(core, left?.split(':').at(-1) ?? '');
  const head = await resolve(core, right?.split(':').at(-1) ?? '');
  if (base === null || head === null) throw notFound();
  const common = await mergeBase(core.git, base, head);
  if (common === null) throw notFound();
  const [ahead, behind, files, ends] = await Promise.all([
    commitsBetween(core.git, base, head),
    core.git.text(['rev-list', '--count', base, `^${head}`]),
    changedFiles(core.git, common, head),
    readCommits(core.git, [base, common]),
  ]);
  const behindBy = Number(behind);
  const state =
    ahead.length === 0 ? (behindBy === 0 ? 'identical' : 'behind') : behindBy === 0 ? 'ahead' : 'diverged';
  const html = `${repositoryUrl(core)}/compare/${base}...${head}`;
  const [baseCommit, commonCommit = baseCommit] = ends;
  if (baseCommit === undefined || commonCommit === undefined) throw notFound();
  return ok({
    url: `${repositoryApi(core)}/compare/${base}...${head}`,
    html_url: html,
    permalink_url: html,
    diff_url: `${html}.diff`,
    patch_url: `${html}.patch`,
    base_commit: renderGitCommit(core, baseCommit),
    merge_base_commit: renderGitCommit(core, commonCommit),
    status: state,
    ahead_by: ahead.length,
    behind_by: behindBy,
    total_commits: ahead.length,
    commits: ahead.reverse().map((commit) => renderGitCommit(core, commit)),
    files: files.map((file) => renderFile(core, file, head)),
  } satisfies Methods['repos']['compareCommitsWithBasehead']['response']['data']);
};
