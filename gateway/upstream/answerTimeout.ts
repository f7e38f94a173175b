import { createOpenList } from '../memory/openList.ts';

/** Waits for answers to begin. */
export type AnswerTimeout = {
  /** Calls `expired` when the time is over; call the result when an answer begins, or none will. */
  await(expired: () => void): () => void;
  close(): void;
};

/** How often it is looked, at least, within the time; so it is at most this part longer. */
const looks = 4;

/**
 * One timer for all requests. undici's own `headersTimeout` sets a timer for each, when the time until an answer begins
 * is not the same as the time that its body may take; at thousands of requests a second they are a burden.
 */
export function createAnswerTimeout(milliseconds: number): AnswerTimeout {
  const waiting = createOpenList<{ begunIn: number; expired: () => void }>();
  const everyMs = Math.max(10, Math.min(1000, milliseconds / looks));
  const most = Math.ceil(milliseconds / everyMs) + 1;
  let turn = 0;
  const look = () => {
    turn += 1;
    for (const { begunIn, expired } of waiting.items()) if (turn - begunIn >= most) expired();
  };
  const timer = setInterval(look, everyMs);
  timer.unref();
  return {
    await: (expired) => waiting.add({ begunIn: turn, expired }),
    close: () => clearInterval(timer),
  };
}
