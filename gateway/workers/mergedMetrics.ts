import { AggregatorRegistry, Counter, Gauge, Registry } from 'prom-client';
import type { MetricsJson } from './workerMessages.ts';

/** The metrics of all workers as if they were one gateway. */
export type MergedMetrics = {
  /** What a worker tells of itself; `worker` is one process, not its slot. */
  update(worker: number, metrics: MetricsJson): void;
  /** The worker has ended: what it has counted stays, what it measured at the moment goes. */
  retire(worker: number): void;
  restarted(cause: string): void;
  text(): Promise<{ contentType: string; text: string }>;
  readonly registry: Registry;
};

/** At run time the type is a word, whatever the type declarations say. */
const grows = ({ type }: MetricsJson[number]) => ['counter', 'histogram'].includes(String(type));

export function createMergedMetrics(states: () => Record<string, number>): MergedMetrics {
  const registry = new Registry();
  const restarts = new Counter({
    name: 'grantgate_worker_restarts_total',
    help: 'Workers that were replaced, by cause: "planned", or how the one before ended.',
    labelNames: ['cause'],
    registers: [registry],
  });
  new Gauge({
    name: 'grantgate_workers',
    help: 'Worker processes by state.',
    labelNames: ['state'],
    registers: [registry],
    collect() {
      this.reset();
      for (const [state, count] of Object.entries(states())) this.set({ state }, count);
    },
  });
  const latest = new Map<number, MetricsJson>();
  let retired: MetricsJson = [];

  return {
    registry,
    update(worker, metrics) {
      latest.set(worker, metrics);
    },
    retire(worker) {
      const last = latest.get(worker)?.filter(grows);
      latest.delete(worker);
      if (last === undefined) return;
      const before = retired;
      // Kept as it is until the sum is there: a scrape in between must not see less.
      retired = [...before, ...last];
      void AggregatorRegistry.aggregate([before, last])
        .getMetricsAsJSON()
        .then((sum) => {
          if (retired.length === before.length + last.length) retired = sum;
        });
    },
    restarted: (cause) => restarts.inc({ cause }),
    async text() {
      const all = [...latest.values(), retired, await registry.getMetricsAsJSON()];
      const merged = AggregatorRegistry.aggregate(all);
      return { contentType: merged.contentType, text: await merged.metrics() };
    },
  };
}
