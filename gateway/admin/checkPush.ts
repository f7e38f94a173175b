import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { formField } from '../../bundle/format/formField.ts';
import { type Forge, type Pushed, pushedBranches } from './pushedBranches.ts';

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

/** GitHub never delivers more, and the others' deliveries are smaller. */
export const largestDelivery = 25 * 2 ** 20;

type Headers = Readonly<Record<string, string | string[] | undefined>>;
type Manner = {
  /** The header that proves a delivery, and the one that names its event. */
  proof: string;
  event: string;
  push: readonly string[];
  ping: readonly string[];
  /** `token`: the secret itself. Else the hexadecimal HMAC-SHA256 under it, behind this. */
  form: 'token' | '' | 'sha256=';
  /** What is signed of a form: all of its bytes, or the JSON in its `payload`. */
  signs: 'body' | 'payload';
};

const manners: Readonly<Record<Forge, Manner>> = {
  github: {
    ...{ proof: 'x-hub-signature-256', form: 'sha256=', signs: 'body' },
    ...{ event: 'x-github-event', push: ['push'], ping: ['ping'] },
  },
  gitlab: {
    ...{ proof: 'x-gitlab-token', form: 'token', signs: 'body' },
    ...{ event: 'x-gitlab-event', push: ['Push Hook'], ping: [] },
  },
  // Forgejo sends the same headers beside its own.
  gitea: {
    ...{ proof: 'x-gitea-signature', form: '', signs: 'payload' },
    ...{ event: 'x-gitea-event', push: ['push'], ping: [] },
  },
  // Cloud, and Data Center.
  bitbucket: {
    ...{ proof: 'x-hub-signature', form: 'sha256=', signs: 'body' },
    ...{ event: 'x-event-key', push: ['repo:push', 'repo:refs_changed'], ping: ['diagnostics:ping'] },
  },
};

/** Whose webhooks are taken, at `/webhooks/NAME`. */
export const forges = Object.keys(manners) as readonly Forge[];

/**
 * Checks a delivery of a forge's push webhook: its proof first, over the bytes as they came, in constant time; only then
 * is what they say read. A replayed delivery is harmless: all it can do is make the gateway look at its source. Throws
 * WebhookError.
 */
export function checkPush(
  forge: Forge,
  { headers, body }: { headers: Headers; body: Uint8Array },
  { secret, branch, maxBytes = largestDelivery }: { secret: string; branch: string; maxBytes?: number },
): PushEvent {
  // With an empty secret anybody could sign.
  if (secret === '') throw new TypeError('the webhook secret must not be empty');
  if (body.byteLength > maxBytes)
    throw new WebhookError('webhook-too-large', `the delivery is larger than ${maxBytes} bytes`);
  const manner = manners[forge];
  const event = headers[manner.event];
  const isPing = typeof event === 'string' && manner.ping.includes(event);
  const proof = headers[manner.proof];
  // Bitbucket Data Center signs no test of the connection, which asks for nothing but an answer.
  if (forge === 'bitbucket' && isPing && proof === undefined) return { kind: 'ignored', reason: 'ping' };
  if (typeof proof !== 'string')
    throw new WebhookError('webhook-signature-missing', `the delivery carries no ${manner.proof}`);
  const media = mediaOf(headers['content-type']);
  const signed = media === 'form' && manner.signs === 'payload' ? Buffer.from(payloadOf(body)) : body;
  if (!proves(manner.form, proof, signed, secret))
    throw new WebhookError('webhook-signature-wrong', 'the signature of the delivery is wrong');
  // A form is what GitHub sends unless told otherwise.
  if (media === null)
    throw new WebhookError(
      'webhook-content-type',
      'the delivery must be application/json or application/x-www-form-urlencoded',
    );
  if (isPing) return { kind: 'ignored', reason: 'ping' };
  if (typeof event !== 'string' || !manner.push.includes(event)) return { kind: 'ignored', reason: 'event' };
  const pushed = readPush(forge, media === 'form' ? payloadOf(body) : Buffer.from(body).toString());
  const found = pushed.find(({ ref }) => ref === `refs/heads/${branch}`);
  return found === undefined ? { kind: 'ignored', reason: 'branch' } : { kind: 'push', ...found };
}

function proves(form: Manner['form'], proof: string, signed: Uint8Array, secret: string): boolean {
  // Hashed, so that neither length tells anything. Node reads headers byte by byte.
  if (form === 'token')
    return timingSafeEqual(digest(Buffer.from(proof, 'latin1')), digest(Buffer.from(secret)));
  const given = proof.startsWith(form) ? proof.slice(form.length) : '';
  if (!/^[0-9a-f]{64}$/.test(given)) return false;
  return timingSafeEqual(Buffer.from(given, 'hex'), createHmac('sha256', secret).update(signed).digest());
}

const digest = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest();

function mediaOf(type: string | string[] | undefined): 'json' | 'form' | null {
  const media = /^application\/(json|x-www-form-urlencoded)\s*(?:;|$)/i.exec(
    typeof type === 'string' ? type : '',
  );
  if (media === null) return null;
  return media[1]?.toLowerCase() === 'json' ? 'json' : 'form';
}

const payloadOf = (form: Uint8Array) => formField(Buffer.from(form).toString(), 'payload');

function readPush(forge: Forge, text: string): readonly Pushed[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = null;
  }
  const pushed = pushedBranches(forge, value);
  if (pushed === null) throw new WebhookError('webhook-malformed', 'the delivery is no push event');
  return pushed;
}
