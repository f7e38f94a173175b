import type { Bundle } from '../../bundle/archive/bundle.ts';
import { type Store as Bucket, objectUrl } from '../../bundle/bucket/objectUrl.ts';
import type { BucketKeys } from '../../bundle/bucket/signRequest.ts';
import { putObject } from './bucket/putObject.ts';
import { imageName } from './contract/parseImage.ts';
import { parseSource, sourceName } from './contract/parseSource.ts';
import { SourceError } from './contract/source.ts';
import { imageOf } from './registry/imageManifest.ts';
import type { RegistryCredentials } from './registry/openRegistry.ts';
import { pushImage } from './registry/pushImage.ts';
import type { TlsFiles } from './transport/openConnections.ts';
import { openServer } from './transport/openServer.ts';
import { withinDeadline } from './transport/withinDeadline.ts';

export type PushTarget = {
  /** `oci://HOST/REPOSITORY:TAG` or `s3://BUCKET/KEY`. */
  address: string;
  registry?: RegistryCredentials | undefined;
  store?: (Bucket & { keys: BucketKeys }) | undefined;
  /** Origins beside the registry's: where it takes layers, and who gives tokens for it. */
  origins?: readonly string[] | undefined;
  tls?: TlsFiles | undefined;
  timeoutMs?: number;
};

/** Where a bundle is now. `digest` names exactly this one, for ever; buckets have none. */
export type Pushed = { address: string; digest: string | null };

/**
 * Puts an archive where gateways, and from registries any OPA, can have it. Throws SourceError, `source-invalid` for an
 * address that nothing can be pushed to.
 */
export async function pushBundle(
  archive: Buffer,
  { revision, committedAt }: Pick<Bundle, 'revision' | 'committedAt'>,
  { address, registry, store, origins, tls, timeoutMs = 300_000 }: PushTarget,
  signal: AbortSignal,
): Promise<Pushed> {
  const to = parseSource(address);
  if (to.kind !== 'oci' && to.kind !== 's3')
    throw new SourceError(
      'source-invalid',
      'a bundle is pushed to oci://HOST/REPOSITORY:TAG or s3://BUCKET/KEY',
    );
  if (to.kind === 'oci' && to.image.digest !== null)
    throw new SourceError('source-invalid', 'a bundle is pushed to a tag: its digest follows from its bytes');
  if (to.kind === 's3' && store === undefined)
    throw new SourceError('source-invalid', 'a bucket wants a region and keys');
  const url = to.kind === 'oci' ? to.image.origin : objectUrl(to, store ?? { region: '' });
  const server = openServer({ url, redirectOrigins: origins, tls, connectMs: 10_000 });
  try {
    return await withinDeadline({ signal, ms: timeoutMs }, async (ends) => {
      if (to.kind === 'oci') {
        const { image } = to;
        const made = imageOf(archive, { revision, created: committedAt });
        const digest = await pushImage(made, { server, image, credentials: registry ?? null, signal: ends });
        return { address: imageName(image), digest };
      }
      if (store !== undefined) await putObject(archive, { server, url, ...store, signal: ends });
      return { address: sourceName(to), digest: null };
    });
  } finally {
    await server.close();
  }
}
