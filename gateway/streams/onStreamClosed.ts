import type { Metrics } from '../metrics/metrics.ts';
import type { StreamClosed } from '../record/record.ts';
import type { RecordWriter } from '../record/recordWriter.ts';
import type { ClosedStream } from './streams.ts';

type Options = {
  writer: Pick<RecordWriter, 'writeClosed'>;
  metrics: Pick<Metrics, 'streamsClosed'>;
  log: Record<'debug' | 'error', (facts: object, message: string) => void>;
  now: () => number;
};

/** Puts the end of a stream on record. It ends whether or not that can be written: access is over. */
export function createOnStreamClosed({ writer, metrics, log, now }: Options) {
  return (closed: ClosedStream): void => {
    const { admission, reason } = closed;
    metrics.streamsClosed(reason);
    // The record says it all; thousands of lines to a reader that does not keep up would hold up the ends themselves.
    log.debug({ decision_id: admission.id, subject: admission.identity.subject, reason }, 'stream closed');
    // At a shutdown nobody's access ended.
    if (reason === 'shutdown') return;
    writer.writeClosed(streamClosedOf(closed, reason, now()), (error) => {
      if (error !== null)
        log.error({ err: error, decision_id: admission.id }, 'end of a stream not recorded');
    });
  };
}

function streamClosedOf(
  { admission, admittedBy, closedBy }: ClosedStream,
  reason: StreamClosed['reason'],
  atMs: number,
): Omit<StreamClosed, 'instance' | 'seq'> {
  const { id, identity, route, decision } = admission;
  return {
    timestamp: new Date(atMs).toISOString(),
    decision_id: id,
    event: 'stream-closed',
    bundles: { grantgate: { revision: admittedBy } },
    closed_by: { revision: closedBy },
    reason,
    subject: identity.subject,
    api: route.api,
    operation: route.operation,
    grants: decision.result.grants,
  };
}
