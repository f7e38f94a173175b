import { gunzipSync, constants as zlib } from 'node:zlib';
import { BundleError } from '../bundleError.ts';
import { breakLines } from '../data/breakLines.ts';
import { createLineScan, type LineScan, scanLines } from '../data/scanLines.ts';
import { canonicalJson } from '../format/canonicalJson.ts';
import { createDataDigest, dataDigest } from '../format/digest.ts';
import { unpackTarball } from '../format/tarball.ts';
import { checkFile, checkSignature } from './checkSignature.ts';
import type { VerifyKeys } from './keys.ts';
import { readManifest, type Sizes } from './manifest.ts';
import type { SignedFile } from './signedFiles.ts';

const MiB = 1024 * 1024;

/** Most bytes of an archive as it comes, and unpacked. A million grants take about 30 and 250 MiB. */
export type VerifyLimits = { packed: number; unpacked: number };

/** Most bytes unpacked that no key vouches for: manifest, signature, and what the tar reader takes ahead of them. */
const untrusted = 8 * MiB;

/** What an archive holds; nothing of it is to be trusted before `signed` was compared with the files. */
export type Unpacked = {
  files: ReadonlyMap<string, Buffer>;
  /** What the signature vouches for; null when it was not asked for. */
  signed: readonly SignedFile[] | null;
  /** Of data.json. */
  digest: string;
  lines: () => ReturnType<typeof scanLines>;
};

const rego = '[A-Za-z0-9_-][A-Za-z0-9._-]*\\.rego';
const folders = '(?:[A-Za-z0-9_-][A-Za-z0-9._-]*\\/)*';
/** `opa build` puts the name of what it read in front. */
export const policyPath = new RegExp(`^${folders}policies\\/authz\\/${folders}${rego}$`);

/** What each file may take; a path that is no file of a bundle has no answer. */
function mostBytes(path: string, unpacked: number): number | undefined {
  if (path === 'data.json') return unpacked;
  if (path === 'policy.wasm') return 64 * MiB;
  if (path === '.manifest' || path === '.signatures.json') return MiB;
  return policyPath.test(path) ? 4 * MiB : undefined;
}

const unsigned = () => new BundleError('signature-missing', 'the archive is not signed');

/**
 * Takes an archive apart: its sizes, exactly the files of a bundle, and with `keys` the signature. Ours begin with
 * `.manifest`; what begins otherwise is read as `opa build` writes it. Throws BundleError.
 */
export function unpackBundle(
  archive: Buffer,
  keys: VerifyKeys | null,
  limits: VerifyLimits,
): Promise<Unpacked> {
  return firstName(archive) === '/data.json'
    ? unpackOpas(archive, keys, limits)
    : unpackOurs(archive, keys, limits);
}

/** The first name in the archive; empty when that cannot be told. */
function firstName(archive: Buffer): string {
  try {
    const head = gunzipSync(archive.subarray(0, 4096), {
      finishFlush: zlib.Z_SYNC_FLUSH,
      maxOutputLength: 64 * MiB,
    });
    return head.toString('latin1', 0, 100).split('\0')[0] ?? '';
  } catch {
    return '';
  }
}

/**
 * Manifest and signature come first: nothing that no key vouches for is unpacked beyond those two, and then each file as
 * large as the manifest promises and no other.
 */
async function unpackOurs(archive: Buffer, keys: VerifyKeys | null, limits: VerifyLimits): Promise<Unpacked> {
  let signed: readonly SignedFile[] | null = null;
  let manifest: Buffer | null = null;
  let sizes: Sizes | null = null;
  let total = untrusted;
  const hashed = createDataDigest();
  let scan: LineScan | null = null;
  let filled = 0;
  const trust = (vouchedFor: Buffer) => {
    ({ sizes } = readManifest(vouchedFor));
    total = sizes === null ? boundOf(archive, limits) : totalOf(sizes, limits);
  };
  const files = await unpackTarball(
    archive,
    {
      bytes: (path, size) => {
        const most = mostBytes(path, total);
        if (most === undefined || path.startsWith('.')) return most;
        if (keys !== null && signed === null) throw unsigned();
        if (sizes !== null) assertPromised(sizes, path, size);
        return most;
      },
      get total() {
        return total;
      },
      files: 1000,
      allocate: (path, size) => {
        if (path !== 'data.json') return Buffer.alloc(size);
        // The serving thread reads it where it is unpacked.
        const data = Buffer.from(new SharedArrayBuffer(size));
        scan = createLineScan(data);
        return data;
      },
      // Hashed and looked through while the next piece is being unpacked.
      piece: (path, piece) => {
        if (path !== 'data.json') return;
        hashed.update(piece);
        filled += piece.length;
        scan?.advance(filled);
      },
    },
    (path, content) => {
      if (path === '.manifest') manifest = content;
      if (path === '.manifest' && keys === null) trust(content);
      if (path !== '.signatures.json' || keys === null) return;
      signed = checkSignature(content, keys);
      if (manifest === null) throw new BundleError('archive-files', 'the archive lacks .manifest');
      checkFile(signed, '.manifest', manifest);
      trust(manifest);
    },
  );
  const lines = () => (scan ?? createLineScan(Buffer.alloc(0))).finish();
  return { files, signed, digest: hashed.digest(), lines };
}

/** Refuses a file at its header. Throws BundleError. */
function assertPromised(sizes: Sizes, path: string, size: number): void {
  const promised = sizes.get(path);
  if (promised === undefined)
    throw new BundleError('signature-files', `${JSON.stringify(path)} is not among the files of .manifest`);
  if (size !== promised)
    throw new BundleError(
      'size-mismatch',
      `${JSON.stringify(path)} has ${size} bytes, .manifest promises ${promised}`,
    );
}

/** What a tar of files of these sizes takes at most. Throws BundleError when they are over the limit together. */
function totalOf(sizes: Sizes, { unpacked }: VerifyLimits): number {
  const sum = [...sizes.values()].reduce((all, size) => all + size, 0);
  if (sum > unpacked)
    throw new BundleError(
      'archive-too-large',
      `the archive unpacks to ${sum} bytes, ${unpacked} are the most`,
    );
  // Each file has a header and is filled up to a whole block; a long name takes two blocks more.
  return untrusted + sum + sizes.size * 2560;
}

/** What an archive may take whose manifest tells no sizes: what nothing that is really data is packed tighter than. */
function boundOf(archive: Buffer, { unpacked }: VerifyLimits): number {
  return Math.min(unpacked, Math.max(16 * MiB, 64 * archive.length));
}

/**
 * `opa build` puts the signature behind the data, writes data.json on one line and the manifest in an order of its
 * own. The signature is looked for first, past all else, which is not kept; then what it covers is brought into our
 * form, whose digests are the same: they are of the documents and not of how those are written. The sizes that the
 * manifest tells are those of our form, so an archive may be as large as one that tells none.
 */
async function unpackOpas(archive: Buffer, keys: VerifyKeys | null, limits: VerifyLimits): Promise<Unpacked> {
  const total = boundOf(archive, limits);
  const usual = { bytes: (path: string) => mostBytes(path, total), total, files: 1000, anyOrder: true };
  let signed: readonly SignedFile[] | null = null;
  if (keys !== null) {
    const kept = (path: string, size: number) => Buffer.alloc(path === '.signatures.json' ? size : 0);
    const signatures = (await unpackTarball(archive, { ...usual, allocate: kept })).get('.signatures.json');
    if (signatures === undefined) throw unsigned();
    signed = checkSignature(signatures, keys);
  }
  const files = await unpackTarball(archive, usual);
  const data = breakLines(files.get('data.json') ?? Buffer.alloc(0));
  files.set('data.json', data);
  const manifest = files.get('.manifest');
  if (manifest !== undefined) files.set('.manifest', canonical(manifest));
  return { files, signed, digest: dataDigest(data), lines: () => scanLines(data) };
}

function canonical(json: Buffer): Buffer {
  try {
    return Buffer.from(canonicalJson(JSON.parse(json.toString())));
  } catch (cause) {
    throw new BundleError('manifest-invalid', '.manifest is not JSON', { cause });
  }
}
