import type { ImageAddress } from '../contract/parseImage.ts';
import { SourceError } from '../contract/source.ts';
import type { Server } from '../transport/openServer.ts';
import { refusalOf } from '../transport/readAnswer.ts';
import { digestOf, type Image, manifestType } from './imageManifest.ts';
import { openRegistry, type Registry, type RegistryCredentials } from './openRegistry.ts';

export type PushOptions = {
  server: Server;
  image: ImageAddress;
  credentials: RegistryCredentials | null;
  signal: AbortSignal;
};

/**
 * Pushes an image and lets the tag name it, last of all: whoever pulls meanwhile gets the old one or the whole new
 * one. Answers the digest of the manifest. Throws SourceError.
 */
export async function pushImage(
  { manifest, blobs }: Image,
  { server, image, credentials, signal }: PushOptions,
): Promise<string> {
  const registry = openRegistry({ server, image, credentials, actions: 'pull,push' });
  for (const blob of blobs) await pushBlob(registry, blob, signal);
  const response = await registry.ask({
    method: 'PUT',
    path: `manifests/${image.tag}`,
    headers: { 'content-type': manifestType },
    body: manifest,
    signal,
  });
  if (response.statusCode !== 201) throw await refusalOf(response);
  await response.body.dump();
  return digestOf(manifest);
}

async function pushBlob(registry: Registry, blob: Buffer, signal: AbortSignal): Promise<void> {
  const digest = digestOf(blob);
  const there = await registry.ask({ method: 'HEAD', path: `blobs/${digest}`, signal });
  await there.body.dump();
  if (there.statusCode === 200) return;
  const started = await registry.ask({
    method: 'POST',
    path: 'blobs/uploads/',
    body: Buffer.alloc(0),
    signal,
  });
  if (started.statusCode !== 202) throw await refusalOf(started);
  await started.body.dump();
  const { location } = started.headers;
  if (typeof location !== 'string')
    throw new SourceError('source-answer', 'the registry does not say where to upload to');
  const upload = new URL(location, registry.base);
  upload.searchParams.set('digest', digest);
  const response = await registry.ask({
    method: 'PUT',
    path: upload.href,
    headers: { 'content-type': 'application/octet-stream' },
    body: blob,
    signal,
  });
  if (response.statusCode !== 201) throw await refusalOf(response);
  await response.body.dump();
}
