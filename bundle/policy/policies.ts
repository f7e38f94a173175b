import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BundleError } from '../bundleError.ts';
import { compareCodePoints } from '../format/canonicalJson.ts';
import type { Tree } from '../git/tree.ts';

/** The rule that every decision comes from, as the manifest, records and OPA servers name it. */
export const decisionPath = 'grantgate/authz/decision';

/** The policies that come with the product. */
export const builtInPolicies = fileURLToPath(new URL('../../policies', import.meta.url));

/** What the WASM runtime truly has; policies are compiled against it and nothing else. */
export const capabilitiesFile = join(builtInPolicies, 'capabilities.json');

export type PolicyRoom = 'authz' | 'check' | 'review';

const isPolicy = (path: string) => path.endsWith('.rego') && !path.endsWith('_test.rego');
const sorted = (files: Iterable<[string, Buffer]>) =>
  new Map([...files].sort(([a], [b]) => compareCodePoints(a, b)));

/** What comes with the product for a room, as {@link readPolicies} answers where a repository has none of its own. */
export async function builtIn(room: PolicyRoom): Promise<Map<string, Buffer>> {
  const files: [string, Buffer][] = [];
  const names = await readdir(join(builtInPolicies, room), { recursive: true });
  for (const name of names.filter(isPolicy))
    files.push([
      `policies/${room}/${name.replaceAll('\\', '/')}`,
      await readFile(join(builtInPolicies, room, name)),
    ]);
  return sorted(files);
}

/**
 * The Rego of a room, path (`policies/authz/decision.rego`) → source, sorted, tests left out. What decides is the
 * repository's own when it has any, else what comes with the product; what reviews is the product's always, and the
 * repository's detectors stand beside it. Throws what reading the tree throws.
 */
export async function readPolicies(
  tree: Pick<Tree, 'list' | 'read'>,
  room: PolicyRoom,
): Promise<Map<string, Buffer>> {
  if (room === 'review') return builtIn(room);
  const own = (await tree.list()).filter((path) => path.startsWith(`policies/${room}/`) && isPolicy(path));
  return own.length > 0 ? sorted(await tree.read(own)) : builtIn(room);
}

/** Whether policies are those that come with the product. */
export async function isBuiltIn(policies: ReadonlyMap<string, Buffer>, room: PolicyRoom): Promise<boolean> {
  const ours = await builtIn(room);
  return (
    policies.size === ours.size && [...ours].every(([path, source]) => policies.get(path)?.equals(source))
  );
}

/** Throws BundleError `policy-invalid` for a package outside of the roots: OPA refuses a bundle that holds one. */
export function assertPackages(policies: ReadonlyMap<string, Buffer>): void {
  for (const [path, source] of policies) {
    const name = /^[ \t]*package[ \t]+([^\s#]+)/m.exec(source.toString())?.[1];
    if (name !== 'grantgate.authz' && !name?.startsWith('grantgate.authz.'))
      throw new BundleError(
        'policy-invalid',
        `${path}: the package must be grantgate.authz or below it, got ${name ?? 'none'}`,
      );
  }
}
