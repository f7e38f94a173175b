import { Gauge, Registry } from 'prom-client';
import type { Trend } from './trend.ts';

/** The newest run as Prometheus reads it; nothing before the first. */
export async function trendsMetrics(lines: readonly Trend[]): Promise<string> {
  const registry = new Registry();
  const registers = [registry];
  const last = lines.at(-1);
  if (last === undefined) return '';
  new Gauge({
    name: 'grantgate_review_timestamp_seconds',
    help: 'The instant that the newest review judged at.',
    registers,
  }).set(Date.parse(last.as_of) / 1000);
  new Gauge({
    name: 'grantgate_review_grants',
    help: 'Grants that it looked at.',
    registers,
  }).set(last.grants);
  new Gauge({
    name: 'grantgate_review_people',
    help: 'People that are active.',
    registers,
  }).set(last.people);
  new Gauge({
    name: 'grantgate_review_coverage_ratio',
    help: 'The share of the window that the records cover.',
    registers,
  }).set(last.coverage);
  const unused = new Gauge({
    name: 'grantgate_review_unused_ratio',
    help: 'The share of active grants that nobody used; not there while too little is covered to say.',
    registers,
  });
  unused.reset();
  if (last.unused === null) registry.removeSingleMetric('grantgate_review_unused_ratio');
  else unused.set(last.unused);
  const findings = new Gauge({
    name: 'grantgate_review_findings',
    help: 'What it found, by detector; 0 for what an earlier run found.',
    labelNames: ['detector'],
    registers,
  });
  for (const name of new Set(lines.flatMap((line) => Object.keys(line.findings))))
    findings.set({ detector: name }, last.findings[name] ?? 0);
  const age = new Gauge({
    name: 'grantgate_review_finding_age_days',
    help: 'Days since open findings were first found: `oldest` and `median`.',
    labelNames: ['of'],
    registers,
  });
  age.set({ of: 'oldest' }, last.age.oldest);
  age.set({ of: 'median' }, last.age.median);
  new Gauge({
    name: 'grantgate_review_reverted_grants',
    help: 'Grants that were put back or reactivated in the last 30 days.',
    registers,
  }).set(last.reverted);
  if (last.unattested !== undefined)
    new Gauge({
      name: 'grantgate_review_unattested_emergencies',
      help: 'Emergency access of the last 90 days that nobody has attested; not there where no forge was asked.',
      registers,
    }).set(last.unattested);
  return registry.metrics();
}
