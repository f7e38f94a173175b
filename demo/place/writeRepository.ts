import { join } from 'node:path';
import { gitTree } from '../../bundle/git/tree.ts';
import { load } from '../../bundle/grants/load.ts';
import { commits } from '../commits.ts';
import { createGit } from '../forge/git/git.ts';
import { importCommits } from '../importCommits.ts';

/** A bare repository in `folder` with the organisation and its history. Throws when that does not check. */
export async function writeRepository(folder: string, today: Date, texts: ReadonlyMap<string, string>) {
  const repository = join(folder, 'access.git');
  const git = createGit(repository);
  await git.run(['init', '--quiet', '--bare', '--initial-branch=main']);
  await importCommits(repository, commits(texts, today));
  const { organisation, problems } = await load(await gitTree(repository, 'main'));
  if (organisation === null)
    throw new Error(`the sample organisation does not check: ${problems[0]?.message}`);
  return { repository, git, organisation };
}
