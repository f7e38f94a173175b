import { gitFiles, type Tree, type Files as TreeFiles, withFiles } from '../../bundle/git/tree.ts';
import { load } from '../../bundle/grants/load.ts';
import type { Organisation } from '../../bundle/grants/organisation.ts';
import { formatProblem } from '../../bundle/yaml/problem.ts';
import { edit, removeExemptions } from '../edit/edit.ts';
import { combine } from '../plan/combine.ts';
import { ReviewError } from '../reviewError.ts';
import type { FileTexts, Mirror } from './mirror.ts';
import { editFor } from './text/decision.ts';
import type { Entry } from './text/marker.ts';

const reviewFile = 'grants/review.yaml';

/**
 * What becomes of the files: the edits of all entries, and of the exemptions of grants that go. Throws ReviewError
 * `edit-failed`.
 */
export async function filesOf(
  entries: readonly Entry[],
  { tree, organisation }: { tree: Tree; organisation: Organisation },
): Promise<FileTexts> {
  const fileOf = new Map(organisation.grants.map(({ id, place }) => [id, place.file]));
  const edits = combine(entries.map(editFor), organisation);
  const exempt = new Set(organisation.review.exemptions.map(({ grant }) => grant));
  const gone = new Set(
    edits.filter(({ grant, kind }) => kind === 'delete' && exempt.has(grant)).map(({ grant }) => grant),
  );
  const paths = new Set(entries.flatMap(({ grant }) => fileOf.get(grant) ?? []));
  if (gone.size > 0) paths.add(reviewFile);
  const files = new Map<string, string | null>(
    [...(await tree.read([...paths]))].map(([path, bytes]) => [path, bytes.toString('utf8')]),
  );
  for (const change of edits) {
    const { grant } = change;
    const file = fileOf.get(grant);
    const text = file === undefined ? undefined : files.get(file);
    if (file === undefined || typeof text !== 'string')
      throw new ReviewError('edit-failed', `${file ?? 'grants/access'}: has no grant ${grant}`);
    files.set(file, edit(text, file, change));
  }
  const rules = files.get(reviewFile);
  if (typeof rules === 'string') files.set(reviewFile, removeExemptions(rules, reviewFile, gone));
  return files;
}

/** What the bot proposes must itself be good: a merge of it is what gateways enforce next. */
export async function checkFiles(tree: Tree, files: FileTexts): Promise<void> {
  await assertValid(withFiles(tree, files));
}

/** Whether a branch merges, and gives a base that can be enforced: one that begins at the base was looked at when it was made. */
export async function mergesWell(mirror: Mirror, tip: string): Promise<boolean> {
  if (await mirror.isAhead(tip)) return true;
  const merged = await mirror.merged(tip);
  if (merged === null) return false;
  try {
    await assertValid(gitFiles(mirror.repository, merged, mirror.folder));
    return true;
  } catch (error) {
    if (error instanceof ReviewError && error.code === 'edit-failed') return false;
    throw error;
  }
}

/** Whether the merge of a branch does what entries say, and nothing else. Throws ReviewError `edit-failed`. */
export async function holdsJust(
  mirror: Mirror,
  tip: string,
  entries: readonly Entry[],
  base: { tree: Tree; organisation: Organisation },
): Promise<boolean> {
  const commit = await mirror.commit(await filesOf(entries, base), 'compared\n', 0);
  return (await mirror.differing(tip, commit))?.paths.length === 0;
}

/** Throws ReviewError `edit-failed` with the first problem; `elsewhere` are ids of grants that stand in no file of the tree. */
export async function assertValid(tree: TreeFiles, elsewhere?: ReadonlySet<string>): Promise<void> {
  const { problems } = await load(tree, elsewhere);
  const [first] = problems;
  if (first !== undefined) throw new ReviewError('edit-failed', formatProblem(first));
}
