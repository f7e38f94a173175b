import { createHmac, randomUUID } from 'node:crypto';
import { Agent, request } from 'undici';
import { messageOf } from '../../../bundle/format/messageOf.ts';

export type Webhook = { url: string; secret: string; events?: readonly string[] };

export type Delivery = {
  id: string;
  event: string;
  url: string;
  /** HTTP status of the receiver; null while under way or when it could not be reached. */
  status: number | null;
  error: string | null;
};

export type Webhooks = {
  emit: (event: string, payload: Record<string, unknown>) => void;
  /** The newest deliveries, oldest first. */
  deliveries: readonly Delivery[];
  /** Resolves when nothing is under way. */
  settled: () => Promise<void>;
  close: () => Promise<void>;
};

const timeoutMs = 10_000;
const mostKept = 200;

/** `X-Hub-Signature-256` over the exact bytes of a body. */
const sign = (secret: string, body: string | Buffer): string =>
  `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;

/** Delivers events to every receiver at once. A receiver that is down or slow loses the delivery, as with GitHub. */
export function createWebhooks(receivers: readonly Webhook[]): Webhooks {
  const agent = new Agent({ connections: 8, connectTimeout: timeoutMs, headersTimeout: timeoutMs });
  const deliveries: Delivery[] = [];
  const inFlight = new Set<Promise<void>>();
  const stop = new AbortController();

  async function deliver(hook: Webhook, hookId: number, delivery: Delivery, body: string): Promise<void> {
    try {
      const answer = await request(hook.url, {
        method: 'POST',
        dispatcher: agent,
        signal: AbortSignal.any([stop.signal, AbortSignal.timeout(timeoutMs)]),
        headers: {
          'content-type': 'application/json',
          'user-agent': 'GitHub-Hookshot/forge',
          'x-github-event': delivery.event,
          'x-github-delivery': delivery.id,
          'x-github-hook-id': String(hookId),
          'x-hub-signature-256': sign(hook.secret, body),
        },
        body,
      });
      delivery.status = answer.statusCode;
      await answer.body.dump();
    } catch (error) {
      delivery.error = messageOf(error);
    }
  }

  return {
    deliveries,
    emit: (event, payload) => {
      const body = JSON.stringify(payload);
      receivers.forEach((hook, index) => {
        if (hook.events !== undefined && !hook.events.includes(event)) return;
        const delivery = { id: randomUUID(), event, url: hook.url, status: null, error: null };
        deliveries.push(delivery);
        if (deliveries.length > mostKept) deliveries.shift();
        const done: Promise<void> = deliver(hook, index + 1, delivery, body).finally(() =>
          inFlight.delete(done),
        );
        inFlight.add(done);
      });
    },
    settled: async () => {
      while (inFlight.size > 0) await Promise.all(inFlight);
    },
    close: async () => {
      stop.abort();
      await Promise.all(inFlight);
      await agent.destroy();
    },
  };
}
