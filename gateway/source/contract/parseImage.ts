import { isLoopback } from '../../../bundle/format/isLoopback.ts';
import { SourceError } from './source.ts';

/** An image in a registry that speaks the OCI distribution protocol. */
export type ImageAddress = {
  /** Of the registry, e.g. `https://registry.example.com`; loopback is spoken to in plain http. */
  origin: string;
  repository: string;
  /** `sha256:HEX`, when the address is of one image for ever; null when it is of whatever the tag names. */
  digest: string | null;
  tag: string;
};

const component = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*';
const form = new RegExp(
  `^oci://([^/@?#\\s]+)/(${component}(?:/${component})*)(?::([A-Za-z0-9_][A-Za-z0-9._-]{0,127}))?(?:@(sha256:[0-9a-f]{64}))?$`,
);

/**
 * Reads `oci://HOST[:PORT]/REPOSITORY[:TAG][@DIGEST]`, by the distribution specification's grammar; without a tag it
 * is `latest`. Throws SourceError `source-invalid`.
 */
export function parseImage(address: string): ImageAddress {
  // The grammar repeats in itself: nothing long reaches it.
  const [, host = '', repository = '', tag = 'latest', digest = null] =
    (address.length <= 600 ? form.exec(address) : null) ?? [];
  const url = host === '' ? null : URL.parse(`https://${host}`);
  if (url === null || url.host === '' || repository === '')
    throw new SourceError('source-invalid', 'an image is named oci://HOST/REPOSITORY:TAG or …@sha256:DIGEST');
  const origin = isLoopback(url.hostname) ? `http://${host}` : url.origin;
  return { origin: new URL(origin).origin, repository, tag, digest };
}

/** The address again, as it may be logged. */
export function imageName({ origin, repository, tag, digest }: ImageAddress): string {
  const name = `oci://${new URL(origin).host}/${repository}`;
  return digest === null ? `${name}:${tag}` : `${name}@${digest}`;
}
