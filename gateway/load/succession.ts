import type { Bundle } from '../../bundle/archive/bundle.ts';
import { compareReleases, formatRelease, isOlder } from '../../bundle/archive/release.ts';
import type { Prepare } from '../decision/prepare.ts';
import { createCountShared } from '../memory/countShared.ts';
import { type Floor, floorOf, isSame } from '../revision/floor.ts';
import type { PostedSnapshot } from '../revision/snapshot.ts';
import type { Source } from '../source/contract/source.ts';
import type { Enforced, FloorFile } from './floorFile.ts';
import { held, heldCode, heldFrom } from './held.ts';
import { LastGoodError } from './lastGood.ts';
import { LoadError, type PostedError, postError } from './loadError.ts';
import type { LoaderMessage, Offered } from './loaderMessage.ts';

/** Which bundle counts, and which may come after it. */
export type Succession = {
  /** The one that counts; null before the first. */
  readonly floor: Floor | null;
  /**
   * Measures a bundle against the one that counts, prepares and posts it, and waits for the verdict: then it counts.
   * Throws what speaks against it.
   */
  offer(bundle: Bundle, from: From, force: boolean): Promise<'changed' | 'unchanged'>;
  /**
   * Offers the bundle that an earlier life has kept, unless one counts already. From then on nothing older comes than
   * what was in force in that life. What cannot be used of it is told, and done without.
   */
  inherit(): Promise<void>;
  /** What the serving thread made of the snapshot posted with `seq`; null: it is in force. */
  verdict(seq: number, refusal: PostedError | null): void;
  /** No verdict comes any more. */
  abandon(): void;
};

type From = Pick<Offered, 'origin' | 'confirmedMsAgo'>;

export type SuccessionOptions = {
  source: Pick<Source, 'kind'>;
  prepare: Prepare;
  /** How many grants of the one in force are gone in the next one. */
  removed: (before: Floor, after: PostedSnapshot) => number;
  /** The share of its grants that one revision may take from the one before. */
  holdShare: number;
  /** What was in force in earlier lives; nothing is known of those when left out. */
  floorFile?: FloorFile;
  /** The kept bundle, verified; null when there is none. Asked once, when nothing is in force at the start. */
  lastGood: () => Promise<{ bundle: Bundle; confirmedMsAgo: number | null } | null>;
  /** What is in force when it begins; from then on this knows, and nobody else in its thread. */
  floor: Floor | null;
  post: (message: LoaderMessage) => void;
};

/** A succession that begins with `floor` in force, or with nothing. */
export function createSuccession(options: SuccessionOptions): Succession {
  const { source, prepare, floorFile, lastGood, post } = options;
  let { floor } = options;
  /** What was in force before this life, until something is. */
  let before: Enforced | null = null;
  /** What was refused last because of what it takes away. */
  let holding: Floor | null = null;
  let seq = 0;
  let judging: { seq: number; resolve: (refusal: PostedError | null) => void } | null = null;
  const countShared = createCountShared();

  /** Backwards leads only a bundle that is signed as a way back, or from Git whoever may press the button. */
  const isBackwards = (bundle: Bundle, force: boolean): boolean => {
    const last = floor ?? before;
    if (last === null || !isOlder(bundle, last)) return false;
    if (source.kind === 'git' && force) return true;
    throw rollbackError(bundle, last, { kind: source.kind, inForce: floor !== null });
  };
  /** Whether a bundle says again, with a number of its own, what is being held: then it is meant. */
  const isConfirmed = (next: Floor) =>
    holding !== null &&
    compareReleases(next, holding) > 0 &&
    next.digest === holding.digest &&
    next.policy === holding.policy;

  const verdictOn = async (snapshot: PostedSnapshot, how: Offered): Promise<LoadError | null> => {
    const tooMuch = floor === null || how.assured ? null : holdBack(floor, snapshot, options);
    if (tooMuch !== null) return tooMuch;
    seq += 1;
    const verdict = new Promise<PostedError | null>((resolve) => {
      judging = { seq, resolve };
    });
    post({ kind: 'loaded', seq, snapshot, ...how });
    const refusal = await verdict;
    return refusal === null ? null : new LoadError(refusal.code, refusal.message);
  };

  const offer: Succession['offer'] = async (bundle, from, force) => {
    const backwards = isBackwards(bundle, force);
    const snapshot = prepare(bundle, floor);
    if (floor !== null && isSame(floor, snapshot)) return 'unchanged';
    const assured = force || isConfirmed(snapshot);
    const refusal = await verdictOn(snapshot, { ...from, assured, backwards });
    if (refusal?.code === heldCode) holding = floorOf(snapshot);
    if (refusal !== null) throw refusal;
    [floor, holding] = [floorOf(snapshot), null];
    countShared(floor, floor.lines);
    // Before anybody is told that it is in force. What fails is tried again when the bundle is kept, and told there.
    await floorFile?.raise(floor, backwards).catch(() => {});
    return 'changed';
  };

  const note = (code: string, error: unknown) =>
    post({ kind: 'note', code, message: postError(error).message });
  const inherit = async () => {
    if (floor !== null) return;
    try {
      before = (await floorFile?.read()) ?? null;
    } catch (error) {
      note('floor-unreadable', error);
    }
    try {
      const kept = await lastGood();
      if (kept === null) return;
      const { bundle, confirmedMsAgo } = kept;
      if (before !== null && isOlder(bundle, before))
        throw new LastGoodError(
          `the kept bundle is release ${formatRelease(bundle)}, older than ${formatRelease(before)} that was in force`,
        );
      await offer(bundle, { origin: 'last-good', confirmedMsAgo }, true);
    } catch (error) {
      note('last-good-unusable', error);
    }
  };

  return {
    get floor() {
      return floor;
    },
    offer,
    inherit,
    verdict(given, refusal) {
      if (judging?.seq !== given) return;
      judging.resolve(refusal);
      judging = null;
    },
    abandon() {
      judging?.resolve({ code: 'closed', message: 'the gateway is closing', problems: [] });
    },
  };
}

function holdBack(
  before: Floor,
  next: PostedSnapshot,
  { removed, holdShare }: Pick<SuccessionOptions, 'removed' | 'holdShare'>,
): LoadError | null {
  if (before.grants < heldFrom || holdShare >= 1) return null;
  const gone = removed(before, next);
  if (gone <= before.grants * holdShare) return null;
  return held(next.revision, `takes away ${gone} of ${before.grants} grants`);
}

function rollbackError(
  bundle: Bundle,
  last: Enforced,
  { kind, inForce }: { kind: Source['kind']; inForce: boolean },
): LoadError {
  const way =
    kind === 'git'
      ? 'commit the old state anew, or reload with force'
      : 'release the old state anew, or with --allow-rollback';
  return new LoadError(
    'counter-rollback',
    compareReleases(bundle, last) === 0
      ? `revision ${bundle.revision} ends before the same release in force, which is valid until ${last.validUntil}`
      : `revision ${bundle.revision} is release ${formatRelease(bundle)}, older than ${formatRelease(last)} ${inForce ? 'in force' : 'that was in force'}: to go back, ${way}`,
  );
}
