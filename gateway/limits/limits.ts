import { Counter, type Registry } from 'prom-client';
import { parseRate } from '../../bundle/format/rate.ts';
import type { GatewayConfig } from '../config/config.ts';
import { type AddressGate, createAddressGate } from './addressGate.ts';
import { createLimit, type Limit } from './limit.ts';
import { createQuota, type Quota } from './quota.ts';
import { openSharedLimit } from './sharedLimit.ts';

/** The limits that a request meets, in the order of its stages. */
export type Limits = AddressGate & {
  /** Bytes; for APIs that say nothing of their own. */
  readonly body: number;
  quota: Quota;
};

type Bounds = Pick<GatewayConfig['limits'], 'address_rate' | 'failed_logins' | 'concurrency' | 'body'>;

type Options = {
  config: Bounds & Pick<GatewayConfig['limits'], 'store'>;
  password?: string | null;
  /** What counts when the store is this machine's memory; left out, this process alone. */
  memory?: Limit | undefined;
  metrics: { registry: Registry };
  log: { warn: (fields: object, text: string) => void; info: (text: string) => void };
};

export type OpenLimits = Limits & {
  /** A slow caller was cut. */
  onCut: (what: 'body' | 'answer' | 'websocket') => void;
  /** Counts by other bounds from now on; what was counted stays counted. */
  take: (bounds: Bounds) => void;
  close: () => void;
};

/** Puts the limits together over the configured store. */
export async function openLimits({
  config,
  password = null,
  memory,
  metrics,
  log,
}: Options): Promise<OpenLimits> {
  const registers = [metrics.registry];
  const fallbacks = new Counter({
    name: 'grantgate_limit_store_fallbacks_total',
    help: 'Requests that this process counted for itself because the shared store did not answer.',
    registers,
  });
  const cuts = new Counter({
    name: 'grantgate_slow_callers_cut_total',
    help: 'Connections cut because their caller was too slow or silent, by what was waited for.',
    labelNames: ['waited_for'],
    registers,
  });
  const local = createLimit();
  let bounds: Bounds = config;
  let addressRate = parseRate(config.address_rate);
  let limit: Limit = memory ?? local;
  let close = () => {};
  if (config.store !== 'memory') {
    const shared = await openSharedLimit({
      url: config.store,
      password,
      local,
      onFallback: () => fallbacks.inc(),
      onState: (failure) => {
        if (failure === null) log.info('the store of the limits answers again');
        else log.warn({ err: failure }, 'the store of the limits fails: each process counts for itself');
      },
    });
    limit = shared.limit;
    close = shared.close;
  }
  return {
    ...createAddressGate({
      limit,
      bounds: () => ({ rate: addressRate, failedLogins: bounds.failed_logins }),
    }),
    get body() {
      return bounds.body;
    },
    quota: createQuota({ limit, concurrency: () => bounds.concurrency }),
    take: (next) => {
      bounds = next;
      addressRate = parseRate(next.address_rate);
    },
    onCut: (what) => cuts.inc({ waited_for: what }),
    close,
  };
}
