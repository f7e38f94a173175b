import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Bundle } from '../../bundle/archive/bundle.ts';
import { assemble } from '../../bundle/assemble.ts';
import { gitTree } from '../../bundle/git/tree.ts';
import { type FoundOpa, findOpa } from '../../bundle/policy/opa.ts';
import { type Files, sampleTree } from './_organisation.ts';

/** A key pair in PEM form. */
export function keyPair(kind: 'ec' | 'rsa'): { secret: string; open: string } {
  const { privateKey, publicKey } =
    kind === 'ec'
      ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
      : generateKeyPairSync('rsa', { modulusLength: 2048 });
  return {
    secret: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    open: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
  };
}

/** The bundle of the sample organisation's first commit, and the opa that compiled its policies. */
export async function sampleBundle(overrides: Files = {}): Promise<{ bundle: Bundle; opa: FoundOpa }> {
  const opa = await findOpa();
  const sample = await sampleTree(overrides, { git: true });
  try {
    return { bundle: await assemble({ tree: await gitTree(sample.root, 'main'), opa }), opa };
  } finally {
    await sample.remove();
  }
}

/** A temporary folder with files in it. */
export async function folder(files: Readonly<Record<string, string | Buffer>> = {}) {
  const path = await mkdtemp(join(tmpdir(), 'grantgate-test-'));
  for (const [name, content] of Object.entries(files)) await writeFile(join(path, name), content);
  return {
    path,
    write: (name: string, content: string | Buffer) => writeFile(join(path, name), content),
    remove: () => rm(path, { recursive: true, force: true }),
  };
}
