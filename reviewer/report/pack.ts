import { lstat, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { VerifyKey } from '../../bundle/archive/keys.ts';
import type { SigningKey } from '../../bundle/archive/sign.ts';
import { canonicalJson } from '../../bundle/format/canonicalJson.ts';
import { sha256 } from '../../bundle/format/digest.ts';
import { ReviewError } from '../reviewError.ts';

/** File name → its text. */
export type Pack = ReadonlyMap<string, string>;
export type About = {
  from: string;
  until: string;
  revision: string | null;
  population: string;
  /** Of the report of a campaign: its name, and whether it was over. */
  campaign?: { name: string; finished: boolean };
};

const manifestName = 'manifest.json';
const signatureName = 'manifest.jws';
const mostBytes = 512 * 1024 * 1024;

const manifest = z.strictObject({
  version: z.literal(1),
  from: z.string(),
  until: z.string(),
  revision: z.string().nullable(),
  population: z.string(),
  campaign: z.strictObject({ name: z.string(), finished: z.boolean() }).optional(),
  files: z.array(
    z.strictObject({
      name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/),
      bytes: z.int().min(0),
      sha256: z.string().regex(/^[0-9a-f]{64}$/),
    }),
  ),
});

const invalid = (what: string) => new ReviewError('report-invalid', what);

/**
 * Writes a pack into a folder that is empty or not there, with a manifest of all files; a key signs that as a JWS.
 * Throws ReviewError `report-invalid` where the folder holds something.
 */
export async function writePack(
  folder: string,
  pack: Pack,
  about: About,
  key: SigningKey | null,
): Promise<void> {
  await mkdir(folder, { recursive: true });
  if ((await readdir(folder)).length > 0)
    throw invalid(`${folder} is not empty: a report goes into a folder of its own`);
  for (const [name, text] of pack) await writeFile(join(folder, name), text);
  const files = [...pack]
    .map(([name, text]) => ({ name, bytes: Buffer.byteLength(text), sha256: sha256(text) }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  const text = `${JSON.stringify({ version: 1, ...about, files } satisfies z.input<typeof manifest>, null, 1)}\n`;
  if (key !== null) await writeFile(join(folder, signatureName), signed(text, key));
  // The last one: a pack without it was not written to its end.
  await writeFile(join(folder, manifestName), text);
}

function signed(text: string, { algorithm, keyid, sign }: SigningKey): string {
  const header = Buffer.from(canonicalJson({ alg: algorithm, kid: keyid })).toString('base64url');
  const content = `${header}.${Buffer.from(text).toString('base64url')}`;
  return `${content}.${sign(content).toString('base64url')}\n`;
}

/** What was found right. */
export type Verified = About & { files: number; signed: boolean };

/**
 * Checks that a folder holds what its manifest says, all of it and nothing else; with a key, that it was signed with it. A
 * signature that nobody gave a key for is not looked at. Throws ReviewError `report-invalid`, naming every difference.
 */
export async function verifyPack(folder: string, key: VerifyKey | null): Promise<Verified> {
  const read = async (name: string): Promise<Buffer | null> => {
    const facts = await lstat(join(folder, name)).catch(() => null);
    if (!facts?.isFile()) return null;
    if (facts.size > mostBytes) throw invalid(`${name} is larger than any report's`);
    return readFile(join(folder, name));
  };
  const bytes = await read(manifestName);
  if (bytes === null)
    throw invalid(`${folder} has no ${manifestName}: it is no report, or was not written to its end`);
  let about: z.output<typeof manifest>;
  try {
    about = manifest.parse(JSON.parse(bytes.toString('utf8')));
  } catch {
    throw invalid(`${manifestName} is not the manifest of a report`);
  }
  if (key !== null) assertSigned(bytes, (await read(signatureName))?.toString('utf8').trim() ?? null, key);
  const problems: string[] = [];
  const known = new Set([manifestName, signatureName, ...about.files.map(({ name }) => name)]);
  for (const name of (await readdir(folder)).sort())
    if (!known.has(name)) problems.push(`${name} is not in the manifest`);
  for (const { name, bytes: size, sha256: digest } of about.files) {
    const found = await read(name);
    if (found === null) problems.push(`${name} is missing`);
    else if (found.length !== size || sha256(found) !== digest) problems.push(`${name} was changed`);
  }
  if (problems.length > 0) throw invalid(problems.join('\n'));
  const { version: _, files, campaign, ...rest } = about;
  return { ...rest, ...(campaign && { campaign }), files: files.length, signed: key !== null };
}

function assertSigned(bytes: Buffer, text: string | null, key: VerifyKey): void {
  if (text === null) throw invalid(`the report is not signed: it has no ${signatureName}`);
  const [header = '', payload = '', signature = '', ...rest] = text.split('.');
  const alg = (() => {
    try {
      return (JSON.parse(Buffer.from(header, 'base64url').toString()) as { alg?: unknown }).alg;
    } catch {
      return null;
    }
  })();
  const good =
    rest.length === 0 &&
    alg === key.algorithm &&
    Buffer.from(payload, 'base64url').equals(bytes) &&
    key.verify(`${header}.${payload}`, Buffer.from(signature, 'base64url'));
  if (!good) throw invalid(`${signatureName} is no signature of this manifest with this key`);
}
