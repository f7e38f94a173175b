import type { Registry } from 'prom-client';
import { createCount } from './meters.ts';

/** What is told of the second bundle's word. */
export function createShadowMeters(registry: Registry) {
  const shadowed = createCount({
    name: 'grantgate_shadow_decisions_total',
    help: 'Decisions compared with those of the shadow bundle, by what it would have changed.',
    labelNames: ['api', 'operation', 'result'],
    registry,
  });
  const shadowDropped = createCount({
    name: 'grantgate_shadow_dropped_total',
    help: 'Decisions not compared with the shadow bundle, as too many waited for it.',
    registry,
  });
  return { shadowed, shadowDropped: () => shadowDropped() };
}
