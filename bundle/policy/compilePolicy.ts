import { createHash, randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { BundleError } from '../bundleError.ts';
import { cacheFolder } from '../cacheFolder.ts';
import { unpackTarball } from '../format/tarball.ts';
import type { Opa } from './opa.ts';
import { capabilitiesFile } from './policies.ts';

const mostBytes = 64 * 1024 * 1024;
const path = /^policies\/(?:[A-Za-z0-9_-][A-Za-z0-9._-]*\/)*[A-Za-z0-9_-][A-Za-z0-9._-]*\.rego$/;

function keyOf(opa: Opa, policies: ReadonlyMap<string, Buffer>, entrypoint: string, capabilities: Buffer) {
  const hash = createHash('sha256');
  const add = (part: string | Buffer) => hash.update(`${Buffer.byteLength(part)}:`).update(part);
  add(opa.version);
  add(entrypoint);
  add(capabilities);
  for (const [name, source] of policies) {
    add(name);
    add(source);
  }
  return hash.digest('hex');
}

/** Kept files are replaced in one step, so a reader finds a whole one or none; a damaged one is not used. */
async function kept(file: string): Promise<Buffer | null> {
  const bytes = await readFile(file).catch(() => null);
  return bytes && WebAssembly.validate(new Uint8Array(bytes)) ? bytes : null;
}

async function keep(file: string, bytes: Buffer): Promise<void> {
  const partial = `${file}.${randomUUID()}.partial`;
  try {
    await mkdir(dirname(file), { recursive: true });
    await writeFile(partial, bytes);
    await rename(partial, file);
  } catch {
    // A cache that cannot be written costs time, nothing else.
    await rm(partial, { force: true }).catch(() => {});
  }
}

/** Throws BundleError `policy-invalid` for a name that is no path below policies/. */
export function assertPaths(policies: ReadonlyMap<string, Buffer>): void {
  const wrong = [...policies.keys()].find((name) => !path.test(name));
  if (wrong !== undefined)
    throw new BundleError('policy-invalid', `${JSON.stringify(wrong)} is no path of a policy`);
}

type Compile = {
  /** The folder that the result is kept in; the user's when left out. */
  cache?: string | undefined;
  /** What `buildPolicy` has just made of the same. */
  built?: ReadonlyMap<string, Buffer> | null;
};

/**
 * Compiles policies (path → Rego) to WASM for one entrypoint (`grantgate/authz/decision`), with the built-ins the
 * runtime has and no others. The result is kept under the hash of all that goes into it. Throws BundleError `policy-invalid` with opa's message, OpaError.
 */
export async function compilePolicy(
  opa: Opa,
  policies: ReadonlyMap<string, Buffer>,
  entrypoint: string,
  { cache = join(cacheFolder(), 'policies'), built = null }: Compile = {},
): Promise<Buffer> {
  assertPaths(policies);
  const capabilities = await readFile(capabilitiesFile);
  const file = join(cache, `${keyOf(opa, policies, entrypoint, capabilities)}.wasm`);
  const known = await kept(file);
  if (known) return known;

  const compiled = (built ?? (await buildPolicy(opa, policies, entrypoint))).get('policy.wasm');
  if (compiled === undefined) throw new BundleError('policy-invalid', 'opa build left no policy.wasm');
  await keep(file, compiled);
  return compiled;
}

/** `policy.wasm` and the Rego as opa writes them. Only these: opa's manifest would carry annotations along. */
export async function buildPolicy(
  opa: Opa,
  policies: ReadonlyMap<string, Buffer>,
  entrypoint: string,
): Promise<Map<string, Buffer>> {
  const work = await mkdtemp(join(tmpdir(), 'grantgate-policy-'));
  try {
    for (const [name, source] of policies) {
      await mkdir(dirname(join(work, name)), { recursive: true });
      await writeFile(join(work, name), source);
    }
    const { code, stdout, stderr } = await opa.run(
      [
        'build',
        ...['--target', 'wasm', '--entrypoint', entrypoint, '--optimize', '0'],
        ...['--capabilities', capabilitiesFile, '--output', 'compiled.tar.gz'],
        ...policies.keys(),
      ],
      { cwd: work },
    );
    if (code !== 0)
      throw new BundleError('policy-invalid', `opa build refuses the policies: ${(stderr || stdout).trim()}`);
    const archive = await readFile(join(work, 'compiled.tar.gz'));
    const limits = { bytes: () => mostBytes, total: mostBytes, files: 10_000, anyOrder: true };
    const files = await unpackTarball(archive, limits);
    return new Map([...files].filter(([name]) => name === 'policy.wasm' || name.endsWith('.rego')));
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}
