import { compareReleases, type Release, type ReleaseTerms, termsOf } from '../../bundle/archive/release.ts';
import type { PostedSnapshot } from './snapshot.ts';

/** The bundle in force, as far as the next one is measured against it. */
export type Floor = Release &
  ReleaseTerms &
  Pick<PostedSnapshot, 'revision' | 'digest' | 'policy' | 'grants' | 'lines'>;

/** What the next bundle is measured against, of a bundle that counts. */
export function floorOf(snapshot: PostedSnapshot): Floor {
  const { revision, counter, digest, policy, grants, lines } = snapshot;
  return { revision, counter, digest, policy, grants, lines, ...termsOf(snapshot) };
}

/** The same commit, compiled to the same bytes, on the same terms. */
export function isSame(before: Floor, next: Floor): boolean {
  return (
    before.revision === next.revision &&
    before.digest === next.digest &&
    before.policy === next.policy &&
    before.validUntil === next.validUntil &&
    compareReleases(before, next) === 0
  );
}
