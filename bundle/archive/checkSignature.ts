import { z } from 'zod';
import { BundleError } from '../bundleError.ts';
import { sha256 } from '../format/digest.ts';
import type { VerifyKey, VerifyKeys } from './keys.ts';
import { type SignedFile, signedFiles } from './signedFiles.ts';

const file = z.object({ name: z.string(), hash: z.string(), algorithm: z.string() });
const payloadShape = z.object({ files: z.array(file) });

function malformed(message: string): never {
  throw new BundleError('signature-malformed', `.signatures.json ${message}`);
}

function json(part: string): unknown {
  const bytes = Buffer.from(part, 'base64url');
  // The decoder skips what it does not know; only the one spelling is taken.
  if (part === '' || bytes.toString('base64url') !== part) malformed('holds no base64url');
  try {
    return JSON.parse(bytes.toString());
  } catch {
    return malformed('holds a part that is not JSON');
  }
}

/**
 * The key that a signature says it was made with. All that `kid` can do is pick one of the keys configured here: it is
 * read before anything is proved, so it names no file, no address and no algorithm, and a wrong one only fails.
 */
function selectKey(keys: VerifyKeys, kid: string | undefined): VerifyKey {
  if ('verify' in keys) return keys;
  if (kid === undefined) {
    const [only, ...others] = keys.values();
    // Trying one key after the other would make every signature as good as the weakest key.
    if (only === undefined || others.length > 0)
      throw new BundleError('signature-key-unnamed', 'the signature names none of the keys');
    return only;
  }
  const key = keys.get(kid);
  if (key === undefined)
    throw new BundleError(
      'signature-key-unknown',
      `the signature was made by key ${JSON.stringify(kid.slice(0, 64))}, which is not configured here: known ${keys.size === 1 ? 'is' : 'are'} ${[...keys.keys()].map((id) => JSON.stringify(id)).join(', ')}`,
    );
  return key;
}

/**
 * Checks the JWT in `.signatures.json` against the keys and answers the files it vouches for. The key alone decides the
 * algorithm: what the header names must be that one. Where there is one key without an id, `kid` chooses nothing.
 * Throws BundleError `signature-malformed`, `signature-key-unknown`, `signature-key-unnamed`, `signature-algorithm`,
 * `signature-invalid`.
 */
export function checkSignature(signatures: Buffer, keys: VerifyKeys): readonly SignedFile[] {
  let document: unknown;
  try {
    document = JSON.parse(signatures.toString());
  } catch {
    malformed('is not JSON');
  }
  const shape = z
    .strictObject({ signatures: z.tuple([z.string()]), plugin: z.enum(['', '_default']).optional() })
    .safeParse(document);
  if (!shape.success) return malformed('must hold exactly one signature');
  const [header = '', payload = '', signature = '', ...more] = shape.data.signatures[0].split('.');
  if (more.length > 0 || signature === '') malformed('holds no JWT of three parts');
  const named = z.looseObject({ alg: z.string(), kid: z.string().optional() }).safeParse(json(header));
  if (!named.success || 'crit' in named.data) return malformed('names no algorithm');
  const key = selectKey(keys, named.data.kid);
  if (named.data.alg !== key.algorithm)
    throw new BundleError(
      'signature-algorithm',
      `the signature says it is ${JSON.stringify(named.data.alg.slice(0, 20))}, the key makes it ${key.algorithm}`,
    );
  const bytes = Buffer.from(signature, 'base64url');
  if (bytes.toString('base64url') !== signature) malformed('holds no base64url');
  if (!key.verify(`${header}.${payload}`, bytes))
    throw new BundleError(
      'signature-invalid',
      'the signature was not made by this key, or what it covers was changed',
    );
  const files = payloadShape.safeParse(json(payload));
  if (!files.success) return malformed('lists no files');
  if (files.data.files.some(({ algorithm }) => algorithm !== 'SHA-256'))
    throw new BundleError('signature-algorithm', 'the signature lists digests other than SHA-256');
  return files.data.files as SignedFile[];
}

/** Checks one file against a signature's list, ahead of the others; not data.json. Throws BundleError. */
export function checkFile(signed: readonly SignedFile[], name: string, content: Buffer): void {
  const listed = signed.find((file) => file.name === name);
  if (listed === undefined)
    throw new BundleError('signature-files', `${JSON.stringify(name)} is not covered by the signature`);
  if (listed.hash !== sha256(content))
    throw new BundleError('digest-mismatch', `${JSON.stringify(name)} is not the file that was signed`);
}

/**
 * Checks that a signature's list and the files are the same, name by name and digest by digest; `digest` is that of
 * data.json. Throws BundleError.
 */
export function checkFiles(
  signed: readonly SignedFile[],
  files: ReadonlyMap<string, Buffer>,
  digest: string,
): void {
  const listed = new Map(signed.map(({ name, hash }) => [name, hash]));
  if (listed.size !== signed.length)
    throw new BundleError('signature-files', 'the signature lists a file twice');
  for (const { name, hash } of signedFiles(files, digest)) {
    const expected = listed.get(name);
    if (expected === undefined)
      throw new BundleError('signature-files', `${JSON.stringify(name)} is not covered by the signature`);
    if (expected !== hash)
      throw new BundleError('digest-mismatch', `${JSON.stringify(name)} is not the file that was signed`);
    listed.delete(name);
  }
  const missing = [...listed.keys()][0];
  if (missing !== undefined)
    throw new BundleError('signature-files', `${JSON.stringify(missing)} was signed, but is not there`);
}
