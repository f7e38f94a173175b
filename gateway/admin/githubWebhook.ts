import { createHmac, timingSafeEqual } from 'node:crypto';

export type PushEvent =
  | { kind: 'push'; ref: string; after: string }
  | { kind: 'ignored'; reason: 'ping' | 'event' | 'branch' };

export type WebhookErrorCode =
  | 'webhook-signature-missing'
  | 'webhook-signature-wrong'
  | 'webhook-too-large'
  | 'webhook-content-type'
  | 'webhook-malformed';

/** A delivery is refused. The text never quotes it. */
export class WebhookError extends Error {
  readonly code: WebhookErrorCode;
  constructor(code: WebhookErrorCode, message: string) {
    super(message);
    this.name = 'WebhookError';
    this.code = code;
  }
}

/** GitHub never delivers more. */
const githubMaxBytes = 25 * 2 ** 20;

/**
 * Checks a delivery of GitHub's `push` webhook: signature first, over the raw bytes, in constant time; only then is
 * anything read. A replayed delivery is harmless: all it can do is make the gateway look at its source. Throws
 * WebhookError.
 */
export function checkPush(
  headers: Readonly<Record<string, string | string[] | undefined>>,
  body: Uint8Array,
  secret: string,
  { branch, maxBytes = githubMaxBytes }: { branch: string; maxBytes?: number },
): PushEvent {
  // With an empty secret anybody could sign.
  if (secret === '') throw new TypeError('the webhook secret must not be empty');
  if (body.byteLength > maxBytes)
    throw new WebhookError('webhook-too-large', `the delivery is larger than ${maxBytes} bytes`);
  const signature = headers['x-hub-signature-256'];
  if (typeof signature !== 'string')
    throw new WebhookError('webhook-signature-missing', 'the delivery carries no X-Hub-Signature-256');
  const expected = createHmac('sha256', secret).update(body).digest();
  const given = /^sha256=([0-9a-f]{64})$/.exec(signature)?.[1];
  if (given === undefined || !timingSafeEqual(Buffer.from(given, 'hex'), expected))
    throw new WebhookError('webhook-signature-wrong', 'the signature of the delivery is wrong');
  const type = headers['content-type'];
  // A form is what GitHub sends unless told otherwise.
  const media = /^application\/(json|x-www-form-urlencoded)\s*(?:;|$)/i.exec(
    typeof type === 'string' ? type : '',
  );
  if (media === null)
    throw new WebhookError(
      'webhook-content-type',
      'the delivery must be application/json or application/x-www-form-urlencoded',
    );
  const event = headers['x-github-event'];
  if (event === 'ping') return { kind: 'ignored', reason: 'ping' };
  if (event !== 'push') return { kind: 'ignored', reason: 'event' };
  const { ref, after } = readPush(Buffer.from(body).toString(), media[1]?.toLowerCase() !== 'json');
  return ref === `refs/heads/${branch}`
    ? { kind: 'push', ref, after }
    : { kind: 'ignored', reason: 'branch' };
}

function readPush(text: string, isForm: boolean): { ref: string; after: string } {
  let value: unknown;
  try {
    value = JSON.parse(isForm ? (new URLSearchParams(text).get('payload') ?? '') : text);
  } catch {
    value = null;
  }
  if (typeof value === 'object' && value !== null && 'ref' in value && 'after' in value) {
    const { ref, after } = value;
    if (typeof ref === 'string' && typeof after === 'string' && /^[0-9a-f]{40}(?:[0-9a-f]{24})?$/.test(after))
      return { ref, after };
  }
  throw new WebhookError('webhook-malformed', 'the delivery is no push event');
}
