import type { Bundle } from '../../../bundle/archive/bundle.ts';
import type { ImageAddress } from '../contract/parseImage.ts';
import { sourceName } from '../contract/parseSource.ts';
import { createLastFound, type Found, type Source, SourceError, takeArchive } from '../contract/source.ts';
import type { TlsFiles } from '../transport/openConnections.ts';
import { type Answer, openServer } from '../transport/openServer.ts';
import { readAnswer, refusalOf } from '../transport/readAnswer.ts';
import { withinDeadline } from '../transport/withinDeadline.ts';
import { digestOf, type Layer, manifestTypes, readManifest } from './imageManifest.ts';
import { openRegistry, type RegistryCredentials } from './openRegistry.ts';

export type OciSourceOptions = {
  image: ImageAddress;
  credentials?: RegistryCredentials;
  verify: (archive: Buffer) => Promise<Bundle>;
  /** Origins beside the registry's: the store that holds its layers, and whoever gives tokens for it. */
  redirectOrigins?: readonly string[];
  tls?: TlsFiles;
  timeoutMs?: number;
  maxBytes?: number;
};

/** Registries take no larger manifest. */
const manifestBytes = 4 * 2 ** 20;
/** How many manifests are read for one bundle: an index may name others, and they too. */
const mostManifests = 16;

/** A signed archive as the layer of an image, the way OPA pulls bundles from registries. */
export function ociSource({
  image,
  credentials,
  verify,
  redirectOrigins,
  tls,
  timeoutMs = 60_000,
  maxBytes = 256 * 2 ** 20,
}: OciSourceOptions): Source {
  const last = createLastFound();
  const connectMs = Math.min(timeoutMs, 10_000);
  const server = openServer({ url: image.origin, redirectOrigins, tls, connectMs });
  const registry = openRegistry({ server, image, credentials: credentials ?? null, actions: 'pull' });
  /** The manifest that was read last and the layer it names: digests name the same bytes for ever. */
  let seen: { manifest: string; layer: string } | null = null;

  const ask = async (signal: AbortSignal, path: string, method: 'GET' | 'HEAD' = 'GET'): Promise<Answer> => {
    const headers = { accept: manifestTypes.join(', '), 'accept-encoding': 'identity' };
    const response = await registry.ask({
      method,
      path,
      signal,
      headers: path.startsWith('blobs/') ? { 'accept-encoding': 'identity' } : headers,
    });
    if (response.statusCode !== 200) throw await refusalOf(response);
    return response;
  };

  /** What the tag names now; null when the registry does not say so beforehand. */
  const currentDigest = async (signal: AbortSignal): Promise<string | null> => {
    if (image.digest !== null) return image.digest;
    const response = await ask(signal, `manifests/${image.tag}`, 'HEAD');
    await response.body.dump();
    const digest = response.headers['docker-content-digest'];
    return typeof digest === 'string' && /^sha256:[0-9a-f]{64}$/.test(digest) ? digest : null;
  };

  const read = async (signal: AbortSignal, path: string, digest: string | null, most: number) => {
    const bytes = await readAnswer(await ask(signal, path), most);
    const found = digestOf(bytes);
    if (digest !== null && found !== digest)
      throw new SourceError('source-digest', `the registry was asked for ${digest} and sends ${found}`);
    return { bytes, digest: found };
  };

  /** The layer of the image; of an index, that of the first image in it that has one, breadth first. */
  const layerOf = async (signal: AbortSignal, top: Buffer): Promise<Layer> => {
    const asked = new Set<string>();
    const manifests = [readManifest(top)];
    for (const manifest of manifests) {
      if ('layer' in manifest) {
        if (manifest.layer !== null) return manifest.layer;
        continue;
      }
      for (const digest of manifest.manifests) {
        if (asked.has(digest) || asked.size === mostManifests) continue;
        asked.add(digest);
        const { bytes } = await read(signal, `manifests/${digest}`, digest, manifestBytes);
        manifests.push(readManifest(bytes));
      }
    }
    throw new SourceError('source-answer', 'the image has no gzipped layer: it is no bundle');
  };

  const look = async (signal: AbortSignal, force: boolean): Promise<Found | null> => {
    const current = await currentDigest(signal);
    const known = current !== null && seen?.manifest === current ? seen : null;
    if (known !== null && last.check(known.layer, force) === 'unchanged') return null;
    const manifest = await read(signal, `manifests/${current ?? image.tag}`, current, manifestBytes);
    const layer = await layerOf(signal, manifest.bytes);
    seen = { manifest: manifest.digest, layer: layer.digest };
    if (last.check(layer.digest, force) === 'unchanged') return null;
    if (layer.size > maxBytes)
      throw new SourceError('source-too-large', `the layer is larger than ${maxBytes} bytes`);
    const { bytes } = await read(signal, `blobs/${layer.digest}`, layer.digest, layer.size);
    return takeArchive(bytes, verify, (refusal) => last.acknowledge(layer.digest, refusal));
  };

  return {
    kind: 'oci',
    name: sourceName({ kind: 'oci', image }),
    eager: false,
    waiting: false,
    next: ({ signal, force = false }) =>
      withinDeadline({ signal, ms: timeoutMs }, (ends) => look(ends, force)),
    watch: () => () => {},
    close: server.close,
  };
}
