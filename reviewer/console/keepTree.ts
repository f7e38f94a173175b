import { messageOf } from '../../bundle/format/messageOf.ts';
import { localTree, type Tree } from '../../bundle/git/tree.ts';
import type { Organisation } from '../../bundle/grants/organisation.ts';
import { organisationOf } from '../organisationOf.ts';
import { stampOf } from './stampOf.ts';

/** Lines of a message: it stands on every page. */
const mostShown = 50;

export type TreeKeeper = {
  current(): { tree: Tree; organisation: Organisation };
  /** Why what is there now is not shown; null where it is. */
  fault(): string | null;
  /** Reads the grants again where the repository is not as it was, and calls `taken` then; whether it was another. */
  look(taken: () => Promise<void>): Promise<boolean>;
  /** Notes why it could not be looked at. */
  fail(error: unknown): void;
};

/** What the grants are, read anew when they change. Throws ReviewError `grants-invalid`, GitError. */
export async function keepTree(root: string): Promise<TreeKeeper> {
  let stamp = await stampOf(root);
  let current = await readTree(root);
  let fault: string | null = null;
  return {
    current: () => current,
    fault: () => fault,
    async look(taken) {
      const next = await stampOf(root);
      if (next === stamp) return false;
      try {
        current = await readTree(root);
        fault = null;
        await taken();
      } catch (error) {
        const shown = messageOf(error).split('\n', mostShown).join('\n');
        fault = `What is shown is of before: ${shown}`;
      }
      stamp = next;
      return true;
    },
    fail(error) {
      fault = `The repository cannot be read: ${messageOf(error)}`;
    },
  };
}

async function readTree(root: string): Promise<{ tree: Tree; organisation: Organisation }> {
  const tree = await localTree(root);
  return { tree, organisation: await organisationOf(tree) };
}
