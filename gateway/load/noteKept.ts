import type { PostedError } from './loadError.ts';

type Options = {
  onKept: ((ok: boolean) => void) | undefined;
  log: Record<'info' | 'error', (facts: object, message: string) => void>;
};

/** Tells whether the bundle in force is kept for the next start. The same failure at every look is one line in the log. */
export function createNoteKept({ onKept, log }: Options): (error: PostedError | null) => void {
  let before: string | undefined;
  return (error) => {
    if (error === null) log.info({}, 'bundle kept for the next start');
    else if (error.code !== before)
      log.error({ code: 'last-good-not-kept' }, `bundle not kept for the next start: ${error.message}`);
    before = error?.code;
    onKept?.(error === null);
  };
}
