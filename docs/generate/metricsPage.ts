import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export type MetricFacts = { name: string; help: string; labels: readonly string[] };

/** Every metric that the sources below a folder declare, by name. */
export function readMetrics(root: string, below: string): MetricFacts[] {
  const found = new Map<string, MetricFacts>();
  const folder = join(root, below);
  for (const file of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.ts')) continue;
    const text = readFileSync(join(folder, file), 'utf8');
    for (const { index, groups } of text.matchAll(/\bname: '(?<name>grantgate_[a-z0-9_]+)'/g)) {
      const name = groups?.name ?? '';
      const rest = text.slice(index, text.indexOf('})', index));
      const help = /help:\s*(['"`])(.*?)\1,/s.exec(rest)?.[2] ?? '';
      const labels = /labelNames: \[([^\]]*)\]/.exec(rest)?.[1] ?? '';
      found.set(name, {
        name,
        help: help.replaceAll('\\', ''),
        labels: [...labels.matchAll(/'([^']+)'/g)].map(([, label = '']) => label),
      });
    }
  }
  return [...found.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** docs/reference/metrics.md */
export function metricsPage(root: string): string {
  const rowsOf = (below: string) =>
    readMetrics(root, below).map(
      ({ name, help, labels }) =>
        `| \`${name}\` | ${labels.map((label) => `\`${label}\``).join(', ')} | ${help.replaceAll('|', '\\|')} |`,
    );
  return `${[
    '# Metrics',
    'What `/metrics` on the admin port serves, beside the usual ones of Node (`process_…`, `nodejs_…`). Label values are names from the bundle and fixed codes, never anything that a caller sent. A Grafana dashboard and alert rules are in [gateway/deploy/monitoring](../../gateway/deploy/monitoring).',
    `| metric | labels | |\n| --- | --- | --- |\n${rowsOf('gateway').join('\n')}`,
    '## Of reviews',
    'What `grantgate review --metrics FILE` writes for the textfile collector, and `GET /metrics` of `review --listen` serves: the newest run.',
    `| metric | labels | |\n| --- | --- | --- |\n${rowsOf('reviewer').join('\n')}`,
  ].join('\n\n')}\n`;
}
