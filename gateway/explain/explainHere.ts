import { GitError } from '../../bundle/git/gitError.ts';
import { gitTree } from '../../bundle/git/tree.ts';
import type { GatewayConfig } from '../config/config.ts';
import { Refusal } from '../http/refusal.ts';
import type { Snapshot } from '../revision/snapshot.ts';
import { parseSource } from '../source/contract/parseSource.ts';
import { openGitMirror } from '../source/git/gitMirror.ts';
import { explain } from './explain.ts';
import { explainText } from './explainText.ts';
import type { Explanation, Files } from './explanation.ts';
import { ExplainError } from './matchOperation.ts';
import { readQuestion } from './readQuestion.ts';

/** Explains a decision by the revision in force; `words` is the same for a terminal. Throws Refusal (400, 503). */
export type ExplainHere = (question: unknown) => Promise<Explanation & { words: string }>;

type Options = { config: GatewayConfig; snapshot: () => Snapshot | null; now: () => number };

/** Where the source is Git, its mirror tells files and authors as well; a bundle alone holds none. */
export function createExplainHere({ config, snapshot, now }: Options): ExplainHere {
  const address = parseSource(config.bundle.source);
  const folder = address.kind === 'git' ? address.folder : '';
  const mirror =
    address.kind === 'git'
      ? openGitMirror(address, { stateFolder: config.state, timeoutMs: 30_000 }).folder
      : null;

  const filesOf = async (revision: string): Promise<Files | null> => {
    if (mirror === null) return null;
    try {
      return { tree: await gitTree(mirror, revision, folder), revision, history: true };
    } catch (error) {
      // A last good bundle may be in force while its repository is not here yet.
      if (error instanceof GitError) return null;
      throw error;
    }
  };

  return async (question) => {
    const current = snapshot();
    if (current === null)
      throw new Refusal(503, 'no-bundle', 'No access policy is loaded yet.', { 'retry-after': '5' });
    try {
      const asked = readQuestion(question, current, now());
      const explanation = await explain(current, asked, await filesOf(current.revision));
      return { ...explanation, words: explainText(asked, explanation) };
    } catch (error) {
      if (error instanceof ExplainError) throw new Refusal(400, 'question-malformed', error.message);
      throw error;
    }
  };
}
