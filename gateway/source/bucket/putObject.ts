import { type BucketKeys, signRequest } from '../../../bundle/bucket/signRequest.ts';
import type { Server } from '../transport/openServer.ts';
import { refusalOf } from '../transport/readAnswer.ts';

/** Stores an archive as an object, at once or not at all. Answers its entity tag, when the store tells. Throws SourceError. */
export async function putObject(
  archive: Buffer,
  {
    server,
    url,
    keys,
    region,
    signal,
  }: { server: Server; url: string; keys: BucketKeys; region: string; signal: AbortSignal },
): Promise<string | null> {
  const response = await server.ask({
    method: 'PUT',
    url,
    headers: { 'content-type': 'application/gzip' },
    body: archive,
    signal,
    authorize: signRequest(keys, region),
  });
  if (response.statusCode !== 200) throw await refusalOf(response);
  await response.body.dump();
  const { etag } = response.headers;
  return typeof etag === 'string' ? etag : null;
}
