import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  hash,
  type KeyObject,
  randomBytes,
} from 'node:crypto';
import {
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { z } from 'zod';

export type AssertionAlgorithm = 'EdDSA' | 'ES256';

/** A key as it is published and, when it has its private half, signs. `createdMs` since 1970. */
export type AssertionKey = {
  kid: string;
  alg: AssertionAlgorithm;
  createdMs: number;
  key: KeyObject | null;
  jwk: Record<string, unknown>;
};

/** The keys of the assertions: one signs, all are published. */
export type AssertionKeys = {
  /** The key that signs at this moment; the same object as long as it does. */
  signing(): AssertionKey & { key: KeyObject };
  /** The JWK Set of all public keys, as JSON. */
  jwks(): string;
  /** Looks whether the file has changed and whether a key is due. Call it every few seconds. */
  look(): void;
  /** Makes a new key, or reads the key file again. */
  rotate(): void;
};

/** The key file holds no key that could sign. Code `assertion-key-unusable`. */
export class AssertionKeyError extends Error {
  readonly code = 'assertion-key-unusable';
  override readonly name = 'AssertionKeyError';
}

type Options = {
  algorithm: AssertionAlgorithm;
  /** Where keys made here are kept. */
  file: string;
  /** After this many milliseconds a new key is made. */
  rotateMs: number;
  /** How long a key is published before it signs, and after it has signed. */
  overlapMs: number;
  now: () => number;
  /** Keys cannot be kept or read: those known go on. */
  onFailure: (error: unknown) => void;
};

const keptFile = z.strictObject({
  keys: z.array(z.strictObject({ created: z.number(), private: z.string() })).min(1),
});

/**
 * Keys made here, kept in one file readable by its owner only. Processes may share the file: what one of them adds
 * the others publish at their next look, long before it signs.
 */
export function makeAssertionKeys(options: Options): AssertionKeys {
  const { algorithm, file, rotateMs, overlapMs, now, onFailure } = options;
  let keys: AssertionKey[] = [];
  let seen = '';
  let signing: (AssertionKey & { key: KeyObject }) | null = null;

  const newest = () => keys.at(-1);
  const choose = () => {
    const ready = keys.filter(({ createdMs }) => createdMs + overlapMs <= now()).at(-1) ?? keys[0];
    if (ready === undefined) return;
    if (ready.kid !== signing?.kid || ready.createdMs !== signing.createdMs) signing = signer(ready);
  };
  const read = () => {
    const stamp = stampOf(file);
    if (stamp === seen) return;
    seen = stamp;
    if (stamp === '') return;
    keys = keptFile
      .parse(JSON.parse(readFileSync(file, 'utf8')))
      .keys.map((kept) => keyOf(createPrivateKey(kept.private), kept.created))
      .sort((a, b) => a.createdMs - b.createdMs);
  };
  const write = (first: boolean) => {
    const temporary = `${file}.${process.pid}-${randomBytes(4).toString('hex')}`;
    try {
      mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
      const kept = keys.map(({ createdMs, key }) => ({
        created: createdMs,
        private: String(key?.export({ type: 'pkcs8', format: 'pem' })),
      }));
      writeFileSync(temporary, JSON.stringify({ keys: kept }), { mode: 0o600, flag: 'wx' });
      // Of two that start at once, one gives the key.
      if (first) linkSync(temporary, file);
      else renameSync(temporary, file);
      if (first) rmSync(temporary);
      seen = stampOf(file);
    } catch (error) {
      if (first && stampOf(file) !== '') read();
      else onFailure(error);
      if (existsSync(temporary)) rmSync(temporary, { force: true });
    }
  };
  const add = (first: boolean) => {
    const takenMs = signing === null ? Number.NEGATIVE_INFINITY : signing.createdMs + overlapMs;
    // An old key goes when the one after it has signed for the overlap.
    if (takenMs + overlapMs <= now())
      keys = keys.filter(({ createdMs }) => createdMs >= (signing?.createdMs ?? createdMs));
    keys = [...keys, keyOf(generate(algorithm), now())];
    write(first);
  };
  /** One that was made while the clock was ahead would bar the next one for as long, and then sign again in its place. */
  const dateAnew = () => {
    const atMs = now();
    const isAhead = ({ createdMs }: AssertionKey) => createdMs > atMs + overlapMs;
    if (!keys.some(isAhead)) return;
    keys = keys.map((key) => (isAhead(key) ? { ...key, createdMs: atMs } : key));
    write(false);
  };
  const look = () => {
    try {
      read();
    } catch (error) {
      onFailure(error);
    }
    dateAnew();
    const last = newest();
    if (last === undefined) add(stampOf(file) === '');
    else if (last.createdMs + rotateMs <= now() || last.alg !== algorithm) add(false);
    choose();
  };
  look();
  return {
    signing: () => signing ?? signer(keys[0]),
    jwks: () => jwksOf(keys),
    look,
    rotate() {
      look();
      // Several processes on one file are told at once: one new key is enough for them.
      if ((newest()?.createdMs ?? 0) + 10_000 <= now()) add(false);
      choose();
    },
  };
}

/**
 * Keys from a PEM file that several gateways may share: the first private key signs, all others, also public ones, are
 * published only. Throws AssertionKeyError when the file holds none; later on, a bad file leaves the keys as they are.
 */
export function readAssertionKeys({ file, onFailure }: Pick<Options, 'file' | 'onFailure'>): AssertionKeys {
  let seen = '';
  let keys: AssertionKey[] = [];
  let signing = null as (AssertionKey & { key: KeyObject }) | null;
  const read = () => {
    const stamp = stampOf(file);
    const found = parsePem(file);
    const first = found.find(({ key }) => key !== null);
    if (first === undefined) throw new AssertionKeyError(`${file} holds no private key, P-256 or Ed25519`);
    keys = found;
    if (first.kid !== signing?.kid) signing = signer(first);
    seen = stamp;
  };
  const again = () => {
    try {
      read();
    } catch (error) {
      seen = stampOf(file);
      onFailure(error);
    }
  };
  read();
  return {
    signing: () => signing ?? signer(undefined),
    jwks: () => jwksOf(keys),
    look: () => {
      if (stampOf(file) !== seen) again();
    },
    rotate: again,
  };
}

function parsePem(file: string): AssertionKey[] {
  try {
    const blocks =
      readFileSync(file, 'utf8').match(/-----BEGIN [A-Z ]+-----[^-]+-----END [A-Z ]+-----/g) ?? [];
    return blocks.map((block) =>
      keyOf(block.includes('PRIVATE') ? createPrivateKey(block) : createPublicKey(block), 0),
    );
  } catch (cause) {
    if (cause instanceof AssertionKeyError) throw cause;
    // What the parser says might quote the key.
    throw new AssertionKeyError(`${file} cannot be read as PEM keys`);
  }
}

function generate(algorithm: AssertionAlgorithm): KeyObject {
  return algorithm === 'EdDSA'
    ? generateKeyPairSync('ed25519').privateKey
    : generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
}

function keyOf(key: KeyObject, createdMs: number): AssertionKey {
  const isPrivate = key.type === 'private';
  const { kty, crv, x, y } = (isPrivate ? createPublicKey(key) : key).export({ format: 'jwk' });
  const alg = crv === 'Ed25519' ? 'EdDSA' : crv === 'P-256' ? 'ES256' : null;
  if (alg === null) throw new AssertionKeyError('a key of assertions must be P-256 or Ed25519');
  const members = { crv, kty, x, ...(y === undefined ? {} : { y }) };
  // RFC 7638: the name of a key is what it is.
  const kid = hash('sha256', JSON.stringify(members), 'base64url');
  return { kid, alg, createdMs, key: isPrivate ? key : null, jwk: { ...members, kid, alg, use: 'sig' } };
}

function signer(found: AssertionKey | undefined): AssertionKey & { key: KeyObject } {
  if (found?.key == null) throw new AssertionKeyError('there is no private key to sign assertions with');
  return { ...found, key: found.key };
}

const jwksOf = (keys: readonly AssertionKey[]) => JSON.stringify({ keys: keys.map(({ jwk }) => jwk) });

/** Changes whenever the file does; empty when there is none. */
function stampOf(file: string): string {
  const stats = statSync(file, { throwIfNoEntry: false });
  return stats === undefined ? '' : `${stats.ino} ${stats.mtimeMs} ${stats.size}`;
}
