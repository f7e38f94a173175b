import { createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { objectUrl, type Store } from '../../bundle/bucket/objectUrl.ts';
import { type BucketKeys, signRequest } from '../../bundle/bucket/signRequest.ts';
import { readCapped } from '../../bundle/format/readCapped.ts';
import { ReviewError } from '../reviewError.ts';

/** How to ask a store; without keys it is asked without a signature. */
export type BucketAccess = { store: Store; keys: BucketKeys | null };
type Place = { bucket: string; prefix: string };

const largestList = 8 * 1024 * 1024;
const timeoutMs = 600_000;

/** What the environment says of S3, by the names that everybody uses. */
export function bucketAccess(env: Readonly<Record<string, string | undefined>>): BucketAccess {
  const endpoint = env.AWS_ENDPOINT_URL_S3 || env.AWS_ENDPOINT_URL || undefined;
  const region = env.AWS_REGION || env.AWS_DEFAULT_REGION || 'us-east-1';
  const [accessKey, secretKey] = [env.AWS_ACCESS_KEY_ID, env.AWS_SECRET_ACCESS_KEY];
  return {
    store: { region, endpoint, pathStyle: endpoint !== undefined },
    keys: accessKey && secretKey ? { accessKey, secretKey, sessionToken: env.AWS_SESSION_TOKEN } : null,
  };
}

/** `s3://BUCKET/PREFIX`. Throws ReviewError `source-malformed`. */
export function bucketPlace(source: string): Place {
  const [, bucket, prefix = ''] =
    /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/([^?#]*))?$/.exec(source) ?? [];
  if (bucket === undefined)
    throw new ReviewError(
      'source-malformed',
      'objects are named like s3://BUCKET/PREFIX, without credentials',
    );
  return { bucket, prefix };
}

async function ask(url: string, { store, keys }: BucketAccess, signal: AbortSignal | undefined) {
  const deadline = AbortSignal.timeout(timeoutMs);
  const response = await fetch(url, {
    headers: keys === null ? {} : await signRequest(keys, store.region)({ url }),
    redirect: 'error',
    signal: signal === undefined ? deadline : AbortSignal.any([signal, deadline]),
  });
  if (response.status === 200 && response.body !== null) return response.body;
  await response.body?.cancel();
  throw new Error(`the store answered ${response.status}`);
}

const encoded = (key: string) => key.split('/').map(encodeURIComponent).join('/');
const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };
const unescaped = (text: string) =>
  text.replace(/&(amp|lt|gt|quot|apos);/g, (_, name: string) => entities[name] ?? '');

/** The keys below a prefix, page by page. Throws when the store does not tell. */
export async function* objectKeys(
  { bucket, prefix }: Place,
  access: BucketAccess,
  signal?: AbortSignal,
): AsyncGenerator<string> {
  for (let token: string | null = ''; token !== null; ) {
    const url = new URL(objectUrl({ bucket, key: '' }, access.store));
    url.searchParams.set('list-type', '2');
    url.searchParams.set('encoding-type', 'url');
    url.searchParams.set('prefix', prefix);
    if (token !== '') url.searchParams.set('continuation-token', token);
    const answer: Buffer | null = await readCapped(await ask(url.href, access, signal), largestList);
    if (answer === null) throw new Error('the store answered with a list that is too long');
    const xml = answer.toString();
    if (!/<ListBucketResult[\s>]/.test(xml)) throw new Error('the store answered with no list');
    for (const [, key = ''] of xml.matchAll(/<Key>([^<]*)<\/Key>/g))
      yield decodeURIComponent(unescaped(key).replaceAll('+', ' '));
    const next: string | undefined = /<NextContinuationToken>([^<]+)</.exec(xml)?.[1];
    token = /<IsTruncated>true</.test(xml) ? unescaped(next ?? '') : null;
    if (token === '') throw new Error('the store answered with a list that does not end');
  }
}

/** Keeps an object as a file, in pieces. Throws when the store does not give it. */
export async function fetchObject(
  { bucket, key }: { bucket: string; key: string },
  file: string,
  access: BucketAccess,
  signal?: AbortSignal,
): Promise<void> {
  const url = objectUrl({ bucket, key: encoded(key) }, access.store);
  await pipeline(Readable.from(await ask(url, access, signal)), createWriteStream(file, { mode: 0o600 }));
}
