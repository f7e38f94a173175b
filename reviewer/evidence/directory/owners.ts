import type { DirectoriesAt } from './directoriesAt.ts';

type Moment = Pick<DirectoriesAt, 'hasSomebody'>;

/** Follows since when nobody active is behind owners (folded); instants in seconds since 1970. */
export function createOwners(owners: ReadonlySet<string>) {
  const ownerless = new Map<string, number>();
  return {
    ownerless,
    /** `moment`: null while there are no directories, which then tell of nobody. */
    step(at: number, moment: Moment | null): void {
      for (const owner of owners) {
        if (moment === null || moment.hasSomebody(owner)) ownerless.delete(owner);
        else if (!ownerless.has(owner)) ownerless.set(owner, at);
      }
    },
    /** As a merged branch tells, from before to after a commit of it: that somebody was there meanwhile. */
    aside(
      { at, readAt, mergedAt }: { at: number; readAt: number; mergedAt: number },
      [before, after]: readonly [Moment, Moment],
    ): void {
      for (const [owner, since] of ownerless) {
        const [was, is] = [before.hasSomebody(owner), after.hasSomebody(owner)];
        if (is && (readAt >= since || !was)) ownerless.set(owner, mergedAt);
        else if (was) ownerless.set(owner, Math.max(since, at));
      }
    },
  };
}
