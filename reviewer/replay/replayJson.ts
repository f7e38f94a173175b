import { instantOf } from '../../bundle/format/times.ts';
import { type Effects, type Replay, verdictOf } from './replay.ts';

/** The replay for programs, with every caller; the keys are an interface. */
export function replayJson(replay: Replay): unknown {
  const { base, head, asOf, window, covered, requests, denied, unproven, ending, allowed, skipped } = replay;
  const effects = ({ requests, callers, by }: Effects, why: 'reason' | 'from' = 'reason') => ({
    requests,
    callers,
    by: by.map(({ first, last, why: said, ...effect }) => ({
      ...effect,
      first: instantOf(first),
      last: instantOf(last),
      [why]: why === 'from' ? instantOf(Number(said)) : said,
    })),
  });
  return {
    base,
    head,
    as_of: instantOf(asOf),
    verdict: verdictOf(replay),
    window: {
      from: instantOf(window.from),
      to: instantOf(window.to),
      coverage: window.coverage,
      covered,
      lost_minutes: window.lostMinutes,
      instances: window.instances,
      files: window.files,
    },
    requests,
    denied: effects(denied),
    unproven: effects(unproven),
    ending: effects(ending, 'from'),
    allowed: effects(allowed),
    skipped,
  };
}
