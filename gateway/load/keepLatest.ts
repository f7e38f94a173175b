import type { Release } from '../../bundle/archive/release.ts';
import type { Floor } from '../revision/floor.ts';
import type { Found } from '../source/contract/source.ts';
import type { FloorFile } from './floorFile.ts';
import { postError } from './loadError.ts';
import type { LoaderMessage } from './loaderMessage.ts';

/**
 * A bundle that was accepted; `force` puts it in place of a newer one. `again`: it is the release in force, in an archive
 * that may be signed by another key.
 */
export type Accepted = { found: Pick<Found, 'bundle' | 'archive'>; force: boolean; again: boolean };

export type KeepLatestOptions = {
  floorFile?: Pick<FloorFile, 'raise'>;
  /** Keeps an accepted bundle for the next start. */
  keep: (accepted: Accepted) => Promise<void>;
  /** Notes beside the kept bundle, if it is this one, that the source has just said it is its newest. */
  confirm: (release: Release) => Promise<void>;
  post: (message: LoaderMessage) => void;
};

/**
 * Keeps what counts for the next start, to be called after each look that ended well, with the bundle that was new. One
 * that could not be kept is tried again at each look: a full disk does not stay full for ever.
 */
export function createKeepLatest({ floorFile, keep, confirm, post }: KeepLatestOptions) {
  let unkept: Accepted | null = null;
  let failed = false;
  return async (floor: Floor | null, accepted: Accepted | null): Promise<void> => {
    unkept = accepted ?? unkept;
    try {
      if (unkept !== null && floor !== null) await floorFile?.raise(floor, unkept.force);
      if (unkept !== null) await keep(unkept);
      else if (floor !== null) await confirm(floor);
      if (failed) post({ kind: 'kept', error: null });
      [unkept, failed] = [null, false];
    } catch (error) {
      failed = true;
      post({ kind: 'kept', error: postError(error) });
    }
  };
}
