import { readFileSync } from 'node:fs';
import { Gauge, Registry } from 'prom-client';
import { createBundleMeters } from './bundleMeters.ts';
import { createIdentityMeters } from './identityMeters.ts';
import { createLoopMeters } from './loopMeters.ts';
import { createRequestMeters } from './requestMeters.ts';
import { createShadowMeters } from './shadowMeters.ts';
import { createStreamMeters } from './streamMeters.ts';

/** The gateway's Prometheus metrics. Label values come from the bundle and from fixed codes, never from requests. */
export type Metrics = ReturnType<typeof createMetrics>;

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

/** `openRequests` tells how many requests and upgraded connections are under way. */
export function createMetrics({ openRequests }: { openRequests: () => number }) {
  const registry = new Registry();
  createLoopMeters(registry);
  new Gauge({
    name: 'grantgate_build_info',
    help: 'Always 1; the label is the version of the program.',
    labelNames: ['version'],
    aggregator: 'max',
    registers: [registry],
  }).set({ version }, 1);
  return {
    registry,
    ...createRequestMeters(registry),
    ...createBundleMeters(registry),
    ...createIdentityMeters(registry),
    ...createStreamMeters(registry, openRequests),
    ...createShadowMeters(registry),
  };
}
