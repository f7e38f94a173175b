import type { z } from 'zod';
import { createEvaluator, EvaluationError } from '../../gateway/decision/evaluator.ts';
import { ReviewError } from '../reviewError.ts';

/** Asks a policy, and reads its answer by a form; `grant` is what it is asked about, where that is one grant. */
export type AskPolicy = <T>(input: unknown, form: z.ZodType<T>, grant?: string) => T;

/**
 * Makes a compiled policy ready to be asked; `name` is what people know it by. Where it does not answer, or in no form
 * that can be read, it throws ReviewError `policy-undefined`.
 */
export function createAskPolicy(
  module: WebAssembly.Module,
  entrypoint: string,
  name = entrypoint,
): AskPolicy {
  const evaluator = createEvaluator(module, entrypoint);
  // The same object each time, so that it is loaded once.
  const data = {};
  return (input, form, grant) => {
    let answer: unknown;
    try {
      answer = evaluator.evaluate(input, data);
    } catch (error) {
      if (!(error instanceof EvaluationError)) throw error;
      throw unusable(name, String(error.cause), { grant, cause: error });
    }
    const read = form.safeParse(answer);
    if (read.success) return read.data;
    throw unusable(name, whatIsWrong(read.error), { grant, cause: read.error });
  };
}

/** In one line; an answer is a list of none or one, of which only the fields say anything. */
const whatIsWrong = ({ issues }: z.ZodError): string =>
  issues
    .map(({ path, message }) => {
      const field = path.filter((part) => typeof part === 'string').join('.');
      return `${field === '' ? '' : `"${field}": `}${message.replace('Invalid discriminator value. Expected', 'expected')}`;
    })
    .join('; ');

/** The error `policy-undefined`: a policy answered nothing that can be taken, about one `grant` or at all. */
export function unusable(
  name: string,
  why: string,
  { grant, cause }: { grant?: string | undefined; cause?: unknown },
): ReviewError {
  const about = grant === undefined ? '' : ` for the grant ${grant}`;
  return new ReviewError('policy-undefined', `${name} gives no usable answer${about}: ${why}`, { cause });
}
