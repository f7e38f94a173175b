/** To be called by an answer that has begun; it is flushed at the end of this turn of the event loop. */
export type FlushSoon = (answer: { flush(): void }) => void;

/**
 * Answers that begin in one turn of the event loop leave together at its end: whoever reads them is woken once, rather
 * than for each.
 */
export function createFlushSoon(): FlushSoon {
  let begun: Parameters<FlushSoon>[0][] = [];
  const flushAll = () => {
    const answers = begun;
    begun = [];
    for (const answer of answers) answer.flush();
  };
  return (answer) => {
    if (begun.length === 0) setImmediate(flushAll);
    begun.push(answer);
  };
}
