import { isAbsolute } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isLoopback } from '../../../bundle/format/isLoopback.ts';
import { type ImageAddress, imageName, parseImage } from './parseImage.ts';
import { SourceError } from './source.ts';

/** A bundle source's address, taken apart. */
export type SourceAddress =
  /** `url` is what Git is given; `branch` is never a full ref; `folder` holds grants/, empty at the root. */
  | { kind: 'git'; url: string; branch: string; folder: string; protocol: 'file' | 'http' | 'https' }
  | { kind: 'file'; path: string }
  | { kind: 'https'; url: string }
  | { kind: 'oci'; image: ImageAddress }
  | { kind: 's3'; bucket: string; key: string };

/**
 * Reads `git+file:///PATH#BRANCH`, `git+https://…#BRANCH`, `file:PATH`, `https://…`, `oci://HOST/REPOSITORY:TAG` or
 * `s3://BUCKET/KEY`. Plain http is for loopback only, and credentials never stand in an address: it is logged and passed to Git as an argument. Without `#BRANCH`
 * the branch is main; `#BRANCH:FOLDER` says where in the repository grants/ is. Throws SourceError `source-invalid`.
 */
export function parseSource(address: string): SourceAddress {
  if (address.startsWith('file:')) {
    const path = address.startsWith('file://') ? pathOf(address) : address.slice(5);
    if (!isAbsolute(path)) throw invalid('the path of a file source must be absolute');
    return { kind: 'file', path };
  }
  if (address.startsWith('oci://')) return { kind: 'oci', image: parseImage(address) };
  if (address.startsWith('s3://')) return { kind: 's3', ...parseObject(address) };
  const url = URL.parse(address.replace(/^git\+/, ''));
  if (url === null) throw invalid('the bundle source is not an address');
  if (url.username !== '' || url.password !== '')
    throw invalid('credentials do not belong in the address of the bundle source');
  if (url.protocol === 'http:' && !isLoopback(url.hostname))
    throw invalid('the bundle source must be https (http only on loopback)');
  if (!address.startsWith('git+')) {
    if (url.protocol !== 'https:' && url.protocol !== 'http:')
      throw invalid(`"${url.protocol}" is no protocol of bundle sources`);
    url.hash = '';
    return { kind: 'https', url: url.href };
  }
  const protocol = url.protocol.slice(0, -1);
  if (protocol !== 'file' && protocol !== 'http' && protocol !== 'https')
    throw invalid(`"git+${url.protocol}" is no protocol of bundle sources`);
  const [named = '', folder, ...more] = url.hash.slice(1).split(':');
  const branch = named === '' ? 'main' : named;
  // Nothing Git reads as an option, a pattern or another ref.
  if (!/^[A-Za-z0-9_][A-Za-z0-9._/+@-]*$/.test(branch) || /\.\.|\/\/|@\{|\/$|\.lock$/.test(branch))
    throw invalid(`${JSON.stringify(branch)} is not the name of a branch`);
  // Nothing Git reads as an option or a pattern, nor a way out.
  const segment = /^(?!\.{1,2}$)[A-Za-z0-9_.][A-Za-z0-9._@+-]*$/;
  if (more.length > 0 || folder?.split('/').every((name) => segment.test(name)) === false)
    throw invalid(`${JSON.stringify([folder, ...more].join(':'))} is not a folder of a repository`);
  url.hash = '';
  if (protocol === 'file') pathOf(url.href);
  return { kind: 'git', url: url.href, branch, folder: folder ?? '', protocol };
}

/** An address as it may be logged: a query may hold a signature that opens it. */
export function sourceName(address: SourceAddress): string {
  if (address.kind === 'file') return `file:${address.path}`;
  if (address.kind === 'oci') return imageName(address.image);
  if (address.kind === 's3') return `s3://${address.bucket}/${address.key}`;
  const url = new URL(address.url);
  const query = url.search === '' ? '' : '?…';
  url.search = '';
  const shown = `${url.href}${query}`;
  if (address.kind !== 'git') return shown;
  const { branch, folder } = address;
  return `git+${shown}#${branch}${folder === '' ? '' : `:${folder}`}`;
}

function pathOf(address: string): string {
  try {
    return fileURLToPath(address);
  } catch {
    throw invalid('the address of the file source is not a path on this machine');
  }
}

/** Of what S3 allows, what every server and signature spells the same way. */
function parseObject(address: string): { bucket: string; key: string } {
  const found = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])\/([A-Za-z0-9][A-Za-z0-9._/-]{0,1000})$/.exec(
    address,
  );
  const [, bucket = '', key = ''] = found ?? [];
  if (found === null || bucket.includes('..') || /\/(?:\.{0,2}\/|\.{0,2}$)/.test(key))
    throw invalid('an object is named s3://BUCKET/KEY, its key by letters, digits and ._-/');
  return { bucket, key };
}

function invalid(message: string): SourceError {
  return new SourceError('source-invalid', message);
}
