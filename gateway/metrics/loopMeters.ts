// Sharp edge of prom-client 15: it samples the event loop's delay by a timer of 10 ms, which wakes a process that has
// nothing to do a hundred times a second, and takes 6 to 9 ms of each. Here each turn of the loop tells how long it took.
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { collectDefaultMetrics, Gauge, type Registry } from 'prom-client';

/** So rarely that it does not happen. */
const neverMs = 2 ** 31 - 1;

/**
 * What prom-client tells of a process of Node, under the same names; `nodejs_eventloop_lag_…` is what turns of the event
 * loop have taken since it was asked last, without the time that it waited for something to do.
 */
export function createLoopMeters(registry: Registry): void {
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: neverMs });
  const turns = monitorEventLoopDelay({ samplePerIteration: true });
  turns.enable();
  // The first turn is counted from before there was one.
  setImmediate(() => turns.reset());
  const measures = {
    min: () => turns.min,
    max: () => turns.max,
    mean: () => turns.mean,
    stddev: () => turns.stddev,
    p50: () => turns.percentile(50),
    p90: () => turns.percentile(90),
    p99: () => turns.percentile(99),
  };
  const gauges = Object.entries(measures).map(([name, measure], at) => {
    const full = `nodejs_eventloop_lag_${name}_seconds`;
    registry.removeSingleMetric(full);
    const gauge = new Gauge({
      name: full,
      help: `Turns of the event loop since the last scrape, in seconds: ${name}.`,
      aggregator: name === 'min' || name === 'max' ? name : 'average',
      registers: [registry],
      // One asks for all: they are of the same turns.
      ...(at === 0 && { collect }),
    });
    return { gauge, measure };
  });
  function collect() {
    for (const { gauge, measure } of gauges) gauge.set(turns.count === 0 ? 0 : measure() / 1e9);
    turns.reset();
  }
}
