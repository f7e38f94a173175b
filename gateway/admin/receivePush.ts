import type { IncomingMessage } from 'node:http';
import { readBody } from '../http/body.ts';
import { Refusal } from '../http/refusal.ts';
import type { Forge } from './pushedBranches.ts';
import { checkPush, largestDelivery, type PushEvent, WebhookError } from './pushWebhook.ts';

/** Reads a delivery of the push webhook. Throws Refusal: 404 when none is configured, 401 unsigned, 400 malformed. */
export async function receivePush(
  forge: Forge,
  request: IncomingMessage,
  webhook: { secret: string; branch: string } | null,
): Promise<PushEvent> {
  if (webhook === null) throw new Refusal(404, 'not-found', 'No webhook is configured.');
  const body = await readBody(request, largestDelivery);
  try {
    return checkPush(forge, request.headers, body, webhook.secret, { branch: webhook.branch });
  } catch (error) {
    if (!(error instanceof WebhookError)) throw error;
    throw new Refusal(error.code.startsWith('webhook-signature') ? 401 : 400, error.code, error.message);
  }
}
