import type { Registry } from 'prom-client';
import type { Rate } from '../../bundle/format/rate.ts';

/** What prom-client makes of a registry for another process. */
export type MetricsJson = Awaited<ReturnType<Registry['getMetricsAsJSON']>>;

/** What a worker process starts with; in its environment, as JSON. */
export type WorkerData = {
  /** Of the process that looks after it: one of another version must not start. */
  version: string;
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

export const workerVariable = 'GRANTGATE_WORKER';

/**
 * A request to be counted. `owedMs` is what the worker owes of its part of the key's rate, which it gives back (the instant at
 * which it would be whole); null when it has none.
 */
export type Take = { id: number; key: string; rate: Rate; owedMs: number | null };

/** The answer: counted, as `Limit` tells it; or the worker's part, with this request; or (null) it has its part already. */
export type Taken = { id: number; waitMs: number } | { id: number; owedMs: number | null };

/** When a part that is given back would be whole. */
export type Part = [key: string, owedMs: number];

export type FromWorker =
  /** It runs, and will listen for callers with its first bundle. */
  | { kind: 'started' }
  | { kind: 'listening'; url: string; decisionPoint: string | null }
  | { kind: 'revision'; revision: string; counter: number }
  /** It cannot start. */
  | { kind: 'failed'; code: string; message: string }
  | { kind: 'take'; takes: Take[] }
  | { kind: 'collected'; round: number; parts: Part[] }
  /** It has stopped listening and has no request left; `parts` is what it has taken of the limits. */
  | { kind: 'drained'; parts: Part[] }
  /** The answer to a question; without one, the last ones before the worker ends. */
  | { kind: 'metrics'; id: number | null; metrics: MetricsJson };

export type ToWorker =
  | { kind: 'taken'; answers: Taken[] }
  /** Gives back its parts of these keys' rates. */
  | { kind: 'collect'; round: number; keys: string[] }
  | { kind: 'metrics'; id: number }
  | { kind: 'rotate' }
  | { kind: 'reopen' }
  /** Idle connections are left open for that long, each until it has been told to go elsewhere. */
  | { kind: 'stop'; lingerMs: number }
  /** Every connection that was meant for it has been handed over, or back. */
  | { kind: 'end' };
