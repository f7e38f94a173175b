import type { Registry } from 'prom-client';
import type { Rate } from '../../bundle/format/rate.ts';

/** What prom-client makes of a registry for another process. */
export type MetricsJson = Awaited<ReturnType<Registry['getMetricsAsJSON']>>;

/** How a worker process is seated; in its environment, as JSON. */
export type Seat = {
  /** The path of gateway.yaml. */
  config: string;
  /** From 1. */
  slot: number;
  /** How many workers share the port, and the limits. */
  workers: number;
  /** The Unix socket of its admin listener. */
  admin: string;
  /** It listens for callers without waiting for a bundle: the first one finds out whether it can. */
  early: boolean;
};

export const seatVariable = 'GRANTGATE_WORKER';

export type FromWorker =
  /** It runs, and will listen for callers with its first bundle. */
  | { kind: 'seated' }
  | { kind: 'listening'; url: string; decisionPoint: string | null }
  | { kind: 'revision'; revision: string; counter: number }
  /** It cannot start. */
  | { kind: 'failed'; code: string; message: string }
  | { kind: 'take'; id: number; takes: [key: string, rate: Rate, now: number][] }
  /** It has stopped listening and has no request left. */
  | { kind: 'drained' }
  /** The answer to a question; without one, the last ones before the worker ends. */
  | { kind: 'metrics'; id: number | null; metrics: MetricsJson };

export type ToWorker =
  | { kind: 'taken'; id: number; waits: number[] }
  | { kind: 'metrics'; id: number }
  | { kind: 'rotate' }
  | { kind: 'reopen' }
  /** Idle connections are left open for that long, each until it has been told to go elsewhere. */
  | { kind: 'stop'; lingerMs: number }
  /** Every connection that was meant for it has been handed over, or back. */
  | { kind: 'end' };
