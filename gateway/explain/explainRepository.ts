import { resolve } from 'node:path';
import { gitTree, workingTree } from '../../bundle/git/tree.ts';
import { explain } from './explain.ts';
import { explainText } from './explainText.ts';
import type { Explanation } from './explanation.ts';
import { type Question, readQuestion } from './readQuestion.ts';
import { snapshotOf } from './snapshotOf.ts';

/** The repository and what to explain; without a revision the files as they lie on disk. */
export type RepositoryQuestion = Question & { root: string; revision?: string };

/**
 * Explains a decision by a repository alone, without a gateway. Throws ExplainError for a question that cannot be
 * answered, BundleError `grants-invalid` or `policy-invalid`, GitError, TreeError, OpaError.
 */
export async function explainRepository(
  question: RepositoryQuestion,
  options: { nowMs: number; progress?: (line: string) => void },
): Promise<{ explanation: Explanation; text: string }> {
  const { root: folder, revision = null, ...rest } = question;
  const root = resolve(folder);
  const tree = revision === null ? await workingTree(root) : await gitTree(root, revision);
  const snapshot = await snapshotOf(tree, options);
  const asked = readQuestion(rest, snapshot, options.nowMs);
  const files = { tree, revision: revision === null ? null : tree.revision, history: tree.revision !== null };
  const explained = await explain(snapshot, asked, files);
  const explanation = { ...explained, revision: files.revision };
  return { explanation, text: explainText(asked, explanation) };
}
