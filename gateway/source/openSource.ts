import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Evaluate } from '../../bundle/archive/golden.ts';
import type { KeyTexts } from '../../bundle/archive/keys.ts';
import { limitsOf, readVerifyKeys, verify } from '../../bundle/archive/verify.ts';
import { objectUrl, type Store } from '../../bundle/bucket/objectUrl.ts';
import { type BucketKeys, signRequest } from '../../bundle/bucket/signRequest.ts';
import { commitTree } from '../../bundle/git/tree.ts';
import { openOpa } from '../../bundle/policy/opa.ts';
import { parseSource } from './contract/parseSource.ts';
import { type Source, SourceError } from './contract/source.ts';
import { fileSource } from './fileSource.ts';
import { gitSource } from './git/gitSource.ts';
import { httpsSource } from './httpsSource.ts';
import { ociSource } from './registry/ociSource.ts';
import type { RegistryCredentials } from './registry/openRegistry.ts';
import type { TlsFiles } from './transport/openConnections.ts';

/** A source as configured; plain data, so that it can be handed to the loader thread. */
export type SourceConfig = {
  /** As {@link parseSource} reads it. */
  url: string;
  /** A folder of this gateway's own. */
  stateFolder: string;
  /** The public key of signed bundles, or several by their ids, PEM. Needed for every source but Git. */
  verifyKeyPem?: KeyTexts;
  /** A bearer token (https, oci) or a Git host's access token (git+https). */
  token?: string;
  /** Who we are to a registry (oci), instead of a token. */
  registry?: RegistryCredentials;
  /** Where objects lie (s3); without keys only what everybody may read. */
  store?: Store & { keys?: BucketKeys };
  /** For all sources behind TLS. */
  tls?: TlsFiles;
  /** A file with the signers of commits (git): the tip of the branch must be signed by one of them. */
  allowedSigners?: string;
  longPollSeconds?: number;
  redirectOrigins?: readonly string[];
  timeoutMs?: number;
  /** Most bytes of a bundle, unpacked; less may come over the wire. */
  maxBytes?: number;
};

type Surroundings = {
  /** Runs a policy that was just compiled: a bundle carries decisions to try it by. */
  evaluator: (wasm: Buffer) => Evaluate;
  /** Is told what is being installed (from Git, bundles are compiled here). */
  progress?: (line: string) => void;
};

/**
 * Opens a source. Throws SourceError `source-invalid` for an address or a combination that is not allowed, BundleError
 * `key-unsupported`.
 */
export function openSource(config: SourceConfig, { evaluator, progress = () => {} }: Surroundings): Source {
  const address = parseSource(config.url);
  const { stateFolder, verifyKeyPem, token, timeoutMs, maxBytes, longPollSeconds, redirectOrigins } = config;
  if (address.kind === 'git') {
    const opa = openOpa({ progress });
    return gitSource({
      address,
      stateFolder,
      ...defined({ token, timeoutMs, tls: config.tls, allowedSigners: config.allowedSigners }),
      async assemble(repository, commit) {
        // The mirror is bare, and the commit its head.
        const shallow = existsSync(join(repository, 'shallow'));
        const tree = await commitTree(repository, commit, { shallow, folder: address.folder });
        // What compiles bundles is much to load, and no other source needs it.
        const { assemble } = await import('../../bundle/assemble.ts');
        return assemble({ tree, opa, evaluator });
      },
    });
  }
  if (verifyKeyPem === undefined)
    throw new SourceError('source-invalid', 'a bundle from anywhere but Git must be signed: a key is needed');
  const keys = readVerifyKeys(verifyKeyPem);
  const limits = maxBytes === undefined ? undefined : limitsOf(maxBytes);
  const options = {
    ...defined({ maxBytes: limits?.packed }),
    verify: (archive: Buffer) => verify(archive, keys, limits),
  };
  if (address.kind === 'file') return fileSource({ path: address.path, ...options });
  const remote = { ...options, ...defined({ timeoutMs, redirectOrigins, tls: config.tls }) };
  if (address.kind === 'oci') {
    const credentials = config.registry ?? (token === undefined ? undefined : { token });
    return ociSource({ image: address.image, ...remote, ...defined({ credentials }) });
  }
  if (address.kind === 'https')
    return httpsSource({ url: address.url, ...remote, ...defined({ token, longPollSeconds }) });
  const { store } = config;
  if (store === undefined)
    throw new SourceError('source-invalid', 'a source in a bucket needs its "s3" settings');
  const authorize = store.keys === undefined ? undefined : signRequest(store.keys, store.region);
  return httpsSource({ url: objectUrl(address, store), address, authorize, longPollSeconds: 0, ...remote });
}

/** The entries that have a value. */
function defined<T extends object>(entries: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(entries).filter(([, value]) => value !== undefined)) as never;
}
