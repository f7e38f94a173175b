import type { IncomingMessage } from 'node:http';
import { readBody } from '../http/body.ts';
import { Refusal } from '../http/refusal.ts';
import { checkPush, largestDelivery, type PushEvent, WebhookError } from './checkPush.ts';
import type { Forge } from './pushedBranches.ts';

/** Reads a delivery of the push webhook. Throws Refusal: 404 when none is configured, 401 unsigned, 400 malformed. */
export type ReceivePush = (
  forge: Forge,
  request: IncomingMessage,
  webhook: { secret: string; branch: string } | null,
) => Promise<PushEvent>;

/**
 * Deliveries are read whole before they have proved anything, so all that are under way have `mostHeld` bytes together;
 * beyond, 503: a push that nobody heard of is found by the next poll.
 */
export function createReceivePush(mostHeld = 4 * largestDelivery): ReceivePush {
  let held = 0;
  return async (forge, request, webhook) => {
    if (webhook === null) throw new Refusal(404, 'not-found', 'No webhook is configured.');
    let own = 0;
    const arrived = (bytes: number) => {
      own += bytes;
      held += bytes;
      if (held > mostHeld)
        throw new Refusal(503, 'webhook-busy', 'Too much is being delivered at once.', {
          'retry-after': '10',
        });
    };
    try {
      const body = await readBody(request, largestDelivery, arrived);
      return checkPush(forge, { headers: request.headers, body }, webhook);
    } catch (error) {
      if (!(error instanceof WebhookError)) throw error;
      throw new Refusal(error.code.startsWith('webhook-signature') ? 401 : 400, error.code, error.message);
    } finally {
      held -= own;
    }
  };
}
