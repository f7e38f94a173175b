import type { Enforcement } from '../decision/enforcement.ts';
import type { Lapse, Lapsed } from '../decision/lapse.ts';
import type { Streams } from './streams.ts';

type Options = {
  lapse: Pick<Lapse, 'current'>;
  streams: Pick<Streams, 'sweep' | 'closeAll'>;
  enforcement: () => Enforcement | null;
  /** Told when it changes whether anybody may decide. */
  onLapsed: (lapsed: boolean) => void;
  log: Record<'info' | 'error', (facts: object, message: string) => void>;
};

/** What time ends, to be looked at every second: streams whose grant or credential ended, and all once nobody may decide. */
export function createSweep({ lapse, streams, enforcement, onLapsed, log }: Options): () => void {
  let before: Lapsed | null = null;
  return () => {
    const by = enforcement();
    const lapsed = by === null ? null : lapse.current();
    if (lapsed !== before) {
      onLapsed(lapsed !== null);
      if (lapsed === null) log.info({}, 'the bundle in force may decide again');
      else
        log.error(
          { code: lapsed, revision: by?.snapshot.revision },
          'nobody may decide by the bundle in force',
        );
      before = lapsed;
    }
    // What is open could not be reached by a revocation either.
    if (lapsed !== null) streams.closeAll('all', lapsed);
    else if (by !== null) streams.sweep(by);
  };
}
