import { Gauge, type Registry } from 'prom-client';
import { createCount } from './meters.ts';

/** What is told of answers and connections under way; `openRequests` tells how many there are. */
export function createStreamMeters(registry: Registry, openRequests: () => number) {
  const registers = [registry];
  const streams = new Gauge({
    name: 'grantgate_upgraded_connections',
    help: 'Open upgraded (WebSocket) connections.',
    aggregator: 'sum',
    registers,
  });
  new Gauge({
    name: 'grantgate_open_requests',
    help: 'Requests whose answer is under way, and open upgraded connections.',
    registers,
    collect() {
      this.set(openRequests());
    },
  });
  const streamsClosed = createCount({
    name: 'grantgate_streams_closed_total',
    help: 'Answers and connections under way that were ended by us, by reason.',
    labelNames: ['reason'],
    registry,
  });
  const streamsDecided = createCount({
    name: 'grantgate_streams_decided_again_total',
    help: 'Decisions about answers and connections under way, after a change or at the end of a grant.',
    registry,
  });

  return { streams, streamsClosed, streamsDecided };
}
