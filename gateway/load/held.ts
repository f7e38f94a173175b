import { LoadError } from './loadError.ts';

/** The code of a bundle that takes away too much to be taken at its first appearance. */
export const heldCode = 'grants-held';

/** Of fewer grants, or fewer calls, one more or less is a large share: those are never held. */
export const heldFrom = 20;

/** A bundle is held; `takes` says what it would take away. */
export function held(revision: string, takes: string): LoadError {
  return new LoadError(
    heldCode,
    `revision ${revision} ${takes}: if that is meant, release the same state once more, or reload with force`,
  );
}
