import { fold } from '../../../bundle/grants/names.ts';
import type { LdapEntry } from './ldapConnection.ts';

/** The values of an attribute; names differ in case from server to server. */
export function valuesOf({ attributes }: LdapEntry, name: string): readonly Buffer[] {
  const wanted = name.toLowerCase();
  return attributes.find(({ type }) => type.toLowerCase() === wanted)?.parsedBuffers ?? [];
}

/** The first value of an attribute as UTF-8; undefined where there is none, or it is empty. */
export const textOf = (entry: LdapEntry, name: string): string | undefined =>
  valuesOf(entry, name)[0]?.toString() || undefined;

/** An identifier of bytes as it is written; null for other lengths. The first three parts are told least byte first. */
export function guidOf(bytes: Buffer): string | null {
  if (bytes.length !== 16) return null;
  const part = (start: number, end: number) => bytes.subarray(start, end).toString('hex');
  const reversed = (start: number, end: number) =>
    Buffer.from(bytes.subarray(start, end)).reverse().toString('hex');
  return [reversed(0, 4), reversed(4, 6), reversed(6, 8), part(8, 10), part(10, 16)].join('-');
}

/** A list, or the part of one that is told: `member;range=0-1499`. `next` is where to go on; null at the end. */
export function rangeOf(
  entry: LdapEntry,
  name: string,
): { values: readonly string[]; start: number; next: number | null } {
  const ranged = new RegExp(`^${RegExp.escape(name)};range=(\\d+)-(\\d+|\\*)$`, 'i');
  for (const { type, parsedBuffers } of entry.attributes) {
    const [, start, end] = ranged.exec(type) ?? [];
    if (start === undefined) continue;
    const values = parsedBuffers.map(String);
    return { values, start: Number(start), next: end === '*' ? null : Number(end) + 1 };
  }
  return { values: valuesOf(entry, name).map(String), start: 0, next: null };
}

/** What is asked to know whether an account is closed, and when it signed in last. */
export const stateNames = [
  'userAccountControl',
  'nsAccountLock',
  'pwdAccountLockedTime',
  'lastLogonTimestamp',
];

const disabled = 0x2;
/** Locked until an administrator opens it again; other times are of locks that end by themselves. */
const lockedForGood = /^000001010000(?:00)?Z$/;

/** Whether nobody can sign in with an account until an administrator opens it, by the attributes of any of these servers. */
export const isClosed = (entry: LdapEntry): boolean =>
  (Number(textOf(entry, 'userAccountControl') ?? 0) & disabled) !== 0 ||
  textOf(entry, 'nsAccountLock')?.toLowerCase() === 'true' ||
  lockedForGood.test(textOf(entry, 'pwdAccountLockedTime') ?? '');

/** The last sign-in (RFC 3339), null where it is not told. Active Directory counts from 1601, in tenths of microseconds. */
export function signInOf(entry: LdapEntry): string | null {
  const ticks = Number(textOf(entry, 'lastLogonTimestamp') ?? 0);
  const at = new Date(ticks / 10_000 - 11_644_473_600_000);
  return ticks > 0 && Number.isFinite(at.getTime()) ? at.toISOString() : null;
}

/** A distinguished name as it is compared: without case, spaces around its parts, or ways of escaping. */
export function dnKey(dn: string): string {
  const bytes: number[] = [];
  let at = 0;
  const parts: string[] = [];
  const flush = (end: string) => {
    parts.push(fold(Buffer.from(bytes.splice(0)).toString()).trim(), end);
  };
  while (at < dn.length) {
    const escaped = /^\\(?:([0-9a-f]{2})|(.))/isu.exec(dn.slice(at, at + 4));
    if (escaped) {
      const [all, hex, character = ''] = escaped;
      if (hex === undefined) bytes.push(...Buffer.from(character));
      else bytes.push(Number.parseInt(hex, 16));
      at += all.length;
      continue;
    }
    const character = String.fromCodePoint(dn.codePointAt(at) ?? 0);
    // A part's end, which no value holds unescaped, is told from an escaped one by a character that no name has.
    if (/[,;+=]/.test(character)) flush(character === '=' ? '\u0001' : '\u0000');
    else bytes.push(...Buffer.from(character));
    at += character.length;
  }
  flush('');
  return parts.join('');
}
