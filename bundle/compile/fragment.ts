import { crc32 } from 'node:zlib';

/** What an access file, or all the files of one API, put into data.json, and what of it must hold across files. */
export type Fragment = FragmentNames & {
  /** As `grantLines` writes them. */
  lines: Buffer;
};

export type FragmentNames = {
  /** A 64-bit hash of each grant's id: two grants must not have one id, in whichever files they stand. */
  ids: BigUint64Array<ArrayBuffer>;
  /** Names of the services that hold grants here, sorted. */
  services: readonly string[];
  /** Names of the networks that conditions refer to, sorted. */
  networks: readonly string[];
};

/** Of the ids, or of anything else. Ids with equal hashes are compared in full before anybody is told so. */
export function hashId(id: string): bigint {
  let low = 0x811c9dc5;
  let high = 0x9747b28c;
  for (let i = 0; i < id.length; i += 1) {
    const unit = id.charCodeAt(i);
    low = Math.imul(low ^ unit, 0x01000193);
    high = Math.imul(high ^ unit, 0x5bd1e995);
    high ^= high >>> 15;
  }
  return (BigInt(mix(high ^ Math.imul(low, 0x9e3779b1))) << 32n) | BigInt(mix(low));
}

function mix(value: number): number {
  const once = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  const twice = Math.imul(once ^ (once >>> 13), 0xc2b2ae35);
  return (twice ^ (twice >>> 16)) >>> 0;
}

/** A kept fragment: what it names, and where in the file its lines are. */
export type FragmentHead = { names: FragmentNames; start: number; length: number; crc: number };

type Header = {
  crc: number;
  head: number;
  ids: number;
  lines: number;
  networks: string[];
  services: string[];
};

/** Writes a fragment for a file: a header of one JSON line, the ids, the lines. */
export function encodeFragment({ ids, services, networks, lines }: Fragment): Buffer {
  const idBytes = Buffer.from(ids.buffer, ids.byteOffset, ids.byteLength);
  const header = { ids: ids.length, lines: lines.length, networks, services };
  const head = crc32(idBytes, crc32(JSON.stringify(header)));
  const text = JSON.stringify({ ...header, head, crc: crc32(lines) });
  return Buffer.concat([Buffer.from(`${text}\n`), idBytes, lines]);
}

/** How many bytes of a file are its header and ids; null when its beginning is no header. */
export function headLength(bytes: Buffer): number | null {
  const end = bytes.indexOf(10);
  const header = end < 0 ? null : readHeader(bytes.toString('utf8', 0, end));
  return header === null ? null : end + 1 + header.ids * 8;
}

/** Reads header and ids, which `bytes` begins with; null for what was damaged or written by another version. */
export function decodeHead(bytes: Buffer): FragmentHead | null {
  const end = bytes.indexOf(10);
  const header = end < 0 ? null : readHeader(bytes.toString('utf8', 0, end));
  if (header === null) return null;
  const { crc, head, ids: count, lines, networks, services } = header;
  const start = end + 1 + count * 8;
  const idBytes = bytes.subarray(end + 1, start);
  const sealed = JSON.stringify({ ids: count, lines, networks, services });
  if (idBytes.length !== count * 8 || crc32(idBytes, crc32(sealed)) !== head) return null;
  const ids = new BigUint64Array(count);
  idBytes.copy(Buffer.from(ids.buffer));
  return { names: { ids, services, networks }, start, length: lines, crc };
}

/** Reads a whole fragment; null for what was damaged or written by another version. */
export function decodeFragment(bytes: Buffer): Fragment | null {
  const head = decodeHead(bytes);
  if (head === null || bytes.length !== head.start + head.length) return null;
  const lines = bytes.subarray(head.start);
  return crc32(lines) === head.crc ? { ...head.names, lines } : null;
}

function readHeader(text: string): Header | null {
  let value: Partial<Record<keyof Header, unknown>> | null;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof value !== 'object' || value === null) return null;
  const { crc, head, ids, lines, networks, services } = value;
  const counted = (number: unknown): number is number => Number.isSafeInteger(number) && Number(number) >= 0;
  const named = (list: unknown): list is string[] =>
    Array.isArray(list) && list.every((item) => typeof item === 'string');
  if (!counted(crc) || !counted(head) || !counted(ids) || !counted(lines)) return null;
  return named(networks) && named(services) ? { crc, head, ids, lines, networks, services } : null;
}
