import { Counter, Gauge, type Registry } from 'prom-client';
import { heldCode } from '../load/held.ts';
import type { Snapshot } from '../revision/snapshot.ts';
import { createMeasure } from './meters.ts';

const short = [1e-5, 5e-5, 1e-4, 5e-4, 1e-3, 5e-3, 0.01, 0.05, 0.1, 0.5, 1];

/** What is told of bundles: looks at the source, the one in force, and why a newer one is not. */
export function createBundleMeters(registry: Registry) {
  const registers = [registry];
  const reloads = new Counter({
    name: 'grantgate_bundle_reloads_total',
    help: 'Attempts to load a new bundle, by result: a code for each way to fail.',
    labelNames: ['result'],
    registers,
  });
  const look = createMeasure({
    name: 'grantgate_bundle_look_seconds',
    help: 'Time of one look at the source, with whatever had to be loaded; it passes beside requests.',
    bounds: [0.01, 0.05, 0.1, 0.5, 1, 5, 30, 60],
    registry,
  });
  const pause = createMeasure({
    name: 'grantgate_bundle_pause_seconds',
    help: 'How long putting a new bundle in force kept the event loop from requests.',
    bounds: short,
    registry,
  });
  const set = createBundleGauges(registers);
  return {
    /** A bundle is in force; `beganMs` is when that work started, by `performance.now()`. */
    swapped(snapshot: Snapshot, beganMs: number) {
      reloads.inc({ result: 'ok' });
      set.failing.set(0);
      set.held.set(0);
      set.grants.set(snapshot.grants);
      set.counter.set(snapshot.counter);
      set.validUntil.set(snapshot.validUntil === undefined ? 0 : Date.parse(snapshot.validUntil) / 1000);
      set.loadedAt.set(snapshot.loadedMs / 1000);
      set.committedAt.set(Date.parse(snapshot.committedAt) / 1000);
      // Not before the end of this turn of the event loop can a request be served.
      setImmediate(() => pause((performance.now() - beganMs) / 1000));
    },
    /** A look at the source has ended; `atMs` since 1970. */
    looked(result: string, milliseconds: number, atMs: number) {
      look(milliseconds / 1000);
      // One that found nothing new ends a failure too: the source answers again and holds what is in force.
      if (result === 'unchanged') {
        set.failing.set(0);
        set.held.set(0);
      }
      if (result === 'unchanged' || result === 'changed') set.checkedAt.set(atMs / 1000);
    },
    loadFailed(code: string) {
      reloads.inc({ result: code });
      set.failing.set(1);
      if (code === heldCode) set.held.set(1);
    },
    bundleKept: (ok: boolean) => set.notKept.set(ok ? 0 : 1),
    bundleLapsed: (isLapsed: boolean) => set.lapsed.set(isLapsed ? 1 : 0),
  };
}

/** Over several workers, they tell of the one that is furthest behind. */
function createBundleGauges(registers: Registry[]) {
  const gauge = (settings: { name: string; help: string; aggregator: 'min' | 'max' }) =>
    new Gauge({ ...settings, registers });
  const checkedAt = gauge({
    name: 'grantgate_bundle_checked_timestamp_seconds',
    help: 'When the source last answered and held nothing newer than what is in force.',
    aggregator: 'min',
  });
  const loadedAt = gauge({
    name: 'grantgate_bundle_loaded_timestamp_seconds',
    help: 'When the bundle in force was loaded.',
    aggregator: 'min',
  });
  const committedAt = gauge({
    name: 'grantgate_bundle_committed_timestamp_seconds',
    help: 'When the revision in force was committed.',
    aggregator: 'min',
  });
  const counter = gauge({
    name: 'grantgate_bundle_number',
    help: 'The number of the revision in force.',
    aggregator: 'min',
  });
  const grants = gauge({
    name: 'grantgate_bundle_grants',
    help: 'Grants in the bundle in force.',
    aggregator: 'min',
  });
  const failing = gauge({
    name: 'grantgate_bundle_failing',
    help: '1 while the newest bundle cannot be loaded and the last good one serves.',
    aggregator: 'max',
  });
  const held = gauge({
    name: 'grantgate_bundle_held',
    help: '1 while a bundle that takes much access away waits for somebody to say that this is meant.',
    aggregator: 'max',
  });
  const notKept = gauge({
    name: 'grantgate_bundle_not_kept',
    help: '1 while the bundle in force could not be saved for the next start.',
    aggregator: 'max',
  });
  const lapsed = gauge({
    name: 'grantgate_bundle_lapsed',
    help: '1 while nobody may decide by the bundle in force: it has expired, or its source was not seen for too long.',
    aggregator: 'max',
  });
  const validUntil = gauge({
    name: 'grantgate_bundle_valid_until_timestamp_seconds',
    help: 'When the bundle in force expires; 0 when it does not.',
    aggregator: 'min',
  });
  return { checkedAt, loadedAt, committedAt, counter, grants, failing, held, notKept, lapsed, validUntil };
}
