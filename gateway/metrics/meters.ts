// prom-client finds the series of a set of labels by sorting, joining and hashing them, at each call: too dear for what
// counts every request. These count in cells and become prom-client's metrics when somebody scrapes.
import {
  Counter,
  Histogram,
  type MetricObjectWithValues,
  type MetricValueWithName,
  type Registry,
} from 'prom-client';
import { createCells } from './cells.ts';

type Options = { name: string; help: string; labelNames?: readonly string[]; registry: Registry };

/** Counts one; takes the label values in the order of `labelNames`. */
export type Count = (first?: string, second?: string, third?: string, fourth?: string) => void;

export function createCount({ name, help, labelNames = [], registry }: Options): Count {
  const cells = createCells(labelNames, () => ({ count: 0 }));
  // Without labels there is one series, and it is there from the start.
  if (labelNames.length === 0) cells.at();
  new Counter({
    name,
    help,
    labelNames,
    registers: [registry],
    collect() {
      this.reset();
      for (const { labels, cell } of cells.all()) this.inc(labels, cell.count);
    },
  });
  return (first, second, third, fourth) => {
    cells.at(first, second, third, fourth).count += 1;
  };
}

/** Takes one measurement, in seconds for times; then the label values in their order. */
export type Measure = (value: number, first?: string, second?: string) => void;

type Bins = { counts: Float64Array; sum: number };

/** `bounds` are the upper bounds of the buckets, ascending, without the infinite one. */
export function createMeasure({
  bounds,
  labelNames = [],
  registry,
  ...named
}: Options & { bounds: readonly number[] }): Measure {
  const cells = createCells<Bins>(labelNames, () => ({
    counts: new Float64Array(bounds.length + 1),
    sum: 0,
  }));
  if (labelNames.length === 0) cells.at();
  registry.registerMetric(new Measured({ ...named, labelNames, buckets: [...bounds] }, cells.all));
  return (value, first, second) => {
    const bins = cells.at(first, second);
    let at = 0;
    while (at < bounds.length && value > (bounds[at] as number)) at += 1;
    bins.counts[at] = (bins.counts[at] as number) + 1;
    bins.sum += value;
  };
}

type Series = () => Iterable<{ labels: Record<string, string>; cell: Bins }>;

/** A histogram that shows what others have counted. */
class Measured extends Histogram {
  readonly #named: { name: string; help: string };
  readonly #bounds: readonly number[];
  readonly #series: Series;

  constructor(
    options: { name: string; help: string; labelNames: readonly string[]; buckets: number[] },
    series: Series,
  ) {
    super({ ...options, registers: [] });
    this.#named = { name: options.name, help: options.help };
    this.#bounds = options.buckets;
    this.#series = series;
  }

  override async get(): Promise<MetricObjectWithValues<MetricValueWithName<string>>> {
    return this.#collected();
  }

  /** What a registry asks for, rather than `get`, when it writes text. */
  async getForPromString() {
    return this.#collected();
  }

  #collected(): MetricObjectWithValues<MetricValueWithName<string>> {
    const { name, help } = this.#named;
    const values: MetricValueWithName<string>[] = [];
    for (const { labels, cell } of this.#series()) {
      let count = 0;
      for (const [at, amount] of cell.counts.entries()) {
        count += amount;
        const le = this.#bounds[at] ?? '+Inf';
        values.push({ metricName: `${name}_bucket`, labels: { le, ...labels }, value: count });
      }
      values.push({ metricName: `${name}_sum`, labels, value: cell.sum });
      values.push({ metricName: `${name}_count`, labels, value: count });
    }
    // At run time the type is a word, whatever the type declarations say.
    const type = 'histogram' as unknown as MetricObjectWithValues<MetricValueWithName<string>>['type'];
    return { name, help, type, aggregator: 'sum', collect: () => undefined, values };
  }
}
