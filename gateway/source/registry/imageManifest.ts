import { z } from 'zod';
import { sha256 } from '../../../bundle/format/digest.ts';
import { SourceError } from '../contract/source.ts';

/** The types of an image that holds a bundle, as OPA, the policy CLI and ORAS have them. */
export const manifestType = 'application/vnd.oci.image.manifest.v1+json';
const configType = 'application/vnd.oci.image.config.v1+json';
const layerType = 'application/vnd.oci.image.layer.v1.tar+gzip';
/** What a tag may name: an image, or an index of several. Docker's forms of both read the same. */
export const manifestTypes = [
  manifestType,
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
];

/** The digest (`sha256:HEX`) that names some bytes. */
export const digestOf = (bytes: Buffer): string => `sha256:${sha256(bytes)}`;

const descriptor = z.object({
  mediaType: z.string(),
  digest: z.string().regex(/^sha256:[0-9a-f]{64}$/),
  size: z.int().min(0),
});
const shape = z.union([
  z.object({ layers: z.array(descriptor).min(1).max(1000) }),
  z.object({ manifests: z.array(descriptor).max(1000) }),
]);

export type Layer = z.output<typeof descriptor>;

/**
 * What a manifest says: where the bundle is (the first gzipped layer, as OPA takes it; null when there is none), or which
 * further manifests to look at. Throws SourceError `source-answer`.
 */
export function readManifest(manifest: Buffer): { layer: Layer | null } | { manifests: readonly string[] } {
  let value: unknown;
  try {
    value = JSON.parse(manifest.toString());
  } catch (cause) {
    throw new SourceError('source-answer', 'the manifest of the image is not JSON', { cause });
  }
  const read = shape.safeParse(value);
  if (!read.success)
    throw new SourceError('source-answer', 'the registry answers with no manifest of an image');
  if ('manifests' in read.data) return { manifests: read.data.manifests.map(({ digest }) => digest) };
  return { layer: read.data.layers.find(({ mediaType }) => mediaType === layerType) ?? null };
}

/** An image as it is pushed: the same bundle gives the same bytes. */
export type Image = { manifest: Buffer; blobs: readonly Buffer[] };

/** An image whose one layer is the archive as it is. `revision` and `created` are for people who look into registries. */
export function imageOf(
  archive: Buffer,
  { revision, created }: { revision: string; created: string },
): Image {
  // The configuration says how to run an image. This one is not for running, so it is as empty as ORAS makes it.
  const config = Buffer.from('{}');
  const describe = (mediaType: string, bytes: Buffer) => ({
    mediaType,
    digest: digestOf(bytes),
    size: bytes.length,
  });
  const manifest = {
    schemaVersion: 2,
    mediaType: manifestType,
    config: describe(configType, config),
    layers: [
      {
        ...describe(layerType, archive),
        annotations: { 'org.opencontainers.image.title': 'bundle.tar.gz' },
      },
    ],
    annotations: {
      'org.opencontainers.image.created': created,
      'org.opencontainers.image.revision': revision,
    },
  };
  return { manifest: Buffer.from(JSON.stringify(manifest)), blobs: [config, archive] };
}
