import type { Admission } from '../decision/admission.ts';
import type { Streams } from './streams.ts';

/**
 * The same streams for those who may not be believed any more when theirs begins: whoever was decided on just before a
 * change of configuration is open only since, and the change did not see it. Such a one ends at once, as those did that
 * were open.
 */
export function createTrustedStreams(
  streams: Pick<Streams, 'add' | 'close'>,
  mayStay: (admission: Admission) => boolean,
): Pick<Streams, 'add'> {
  return {
    add(stream) {
      const over = streams.add(stream);
      const { admission } = stream;
      // Its request goes out first: what ends is the whole of it.
      if (!mayStay(admission)) setImmediate(() => streams.close(({ id }) => id !== admission.id));
      return over;
    },
  };
}
