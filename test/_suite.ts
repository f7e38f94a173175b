import { inspect } from 'node:util';
import * as uvu from 'uvu';

type Handler = () => unknown;

/** A test file's registrar: `test(name, handler)`, with hooks. It has no `.only` and no `.skip`, and needs no `.run()`. */
export type Suite = {
  (name: string, handler: Handler): void;
  before: ((handler: Handler) => void) & { each: (handler: Handler) => void };
  after: ((handler: Handler) => void) & { each: (handler: Handler) => void };
};

const registered: uvu.Test[] = [];

/**
 * Opens a suite. Failures in hooks become test failures: uvu itself ends with exit code 0 when a `before` or
 * `after` hook throws, and a forgotten `.run()` passes in silence.
 */
export function suite(name: string): Suite {
  const inner = uvu.suite(name);
  registered.push(inner);
  const failures: unknown[] = [];
  const guarded = (handler: Handler) => async () => {
    try {
      await handler();
    } catch (error) {
      failures.push(error);
    }
  };
  const rethrow = () => {
    if (failures.length > 0) throw failures[0];
  };
  const test = ((title: string, handler: Handler) =>
    inner(title, async () => {
      try {
        rethrow();
        await handler();
      } catch (error) {
        throw told(error);
      }
    })) as Suite;
  test.before = Object.assign((handler: Handler) => inner.before(guarded(handler)), {
    each: (handler: Handler) => inner.before.each(guarded(handler)),
  });
  test.after = Object.assign(
    // An `after` hook runs when the verdicts are in, so its failure ends the process with an error of its own.
    (handler: Handler) =>
      inner.after(async () => {
        try {
          await handler();
        } catch (error) {
          console.error(`the after hook of suite "${name}" failed:`, error);
          process.exit(1);
        }
      }),
    { each: (handler: Handler) => inner.after.each(guarded(handler)) },
  );
  return test;
}

/**
 * A failure as uvu can tell it. It ends a suite without a word where what was thrown is no error, or where its own
 * comparison of what an assertion was given fails, as that of symbols does; Node's stands in the message already.
 */
function told(failure: unknown): Error {
  if (!(failure instanceof Error)) return new Error(`threw ${inspect(failure)}`);
  const { message, stack } = failure;
  return Object.assign(new Error(message), { stack: stack ?? message });
}

/** Queues every suite opened since it was last called; returns how many. Called by `_file.ts` once a file has loaded. */
export function runRegistered(): number {
  const opened = registered.splice(0);
  for (const test of opened) test.run();
  return opened.length;
}
