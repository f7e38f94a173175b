import { daySeconds } from '../../../bundle/format/times.ts';

/** An account that pauses for less has not come anew, in seconds: a sync may fall between one member and the next. */
const shortPauseSeconds = daySeconds;

/** Follows who has somebody behind it, one state of the directories after the other. */
export function createArrivals(principals: ReadonlySet<string>) {
  /** Those with nobody behind them → since when; minus infinity: as long as history tells. */
  const nobody = new Map<string, number>();
  const arrived = new Map<string, number>();
  const beside = new Map<string, number>();
  let isFirst = true;
  return {
    arrived,
    /** Nobody was behind it from `at` on where a merged branch tells so, which may have been what was enforced. */
    noteAbsence(name: string, at: number) {
      beside.set(name, at);
      if (!nobody.has(name)) nobody.set(name, at);
    },
    /** Nor had there been before `at`. */
    noteArrival(name: string, at: number) {
      if (at - (beside.get(name) ?? Number.NEGATIVE_INFINITY) >= shortPauseSeconds)
        arrived.set(name, Math.max(arrived.get(name) ?? at, at));
    },
    step(at: number, hasSomebody: (principal: string) => boolean) {
      for (const name of principals) {
        if (!hasSomebody(name)) {
          if (!nobody.has(name)) nobody.set(name, isFirst ? Number.NEGATIVE_INFINITY : at);
          continue;
        }
        const since = nobody.get(name);
        if (since === undefined) continue;
        nobody.delete(name);
        if (at - since >= shortPauseSeconds) arrived.set(name, at);
      }
      isFirst = false;
    },
  };
}
