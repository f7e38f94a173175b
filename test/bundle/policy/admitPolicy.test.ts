import * as assert from 'node:assert/strict';
import { cp, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { admitPolicy } from '../../../bundle/policy/admitPolicy.ts';
import { findOpa } from '../../../bundle/policy/opa.ts';
import { suite } from '../../_suite.ts';
import { folder } from '../_opa.ts';

const test = suite('admitPolicy');
const root = fileURLToPath(new URL('../../..', import.meta.url));
const policies = new Map([
  ['policies/authz/x.rego', Buffer.from('package grantgate.authz\n\ndecision := {}\n')],
]);

/** The files of bundle/policy/examine/ whose code takes part when one of them runs. */
async function codeOf(name: string, found = new Set<string>()): Promise<Set<string>> {
  if (found.has(name)) return found;
  found.add(name);
  const text = await readFile(join(root, 'bundle', 'policy', 'examine', name), 'utf8');
  for (const [, other = ''] of text.matchAll(/^(?:import (?!type)|\} from )[^;]*?'\.\/(\w+\.ts)';/gm))
    await codeOf(other, found);
  return found;
}

test('what another version of the code found good is looked at anew, whichever part of it changed', async () => {
  const [cache, copy] = [await folder(), await folder()];
  try {
    const opa = await findOpa();
    const first = await admitPolicy(opa, policies, cache.path);
    await cp(join(root, 'bundle'), join(copy.path, 'bundle'), { recursive: true });
    await cp(join(root, 'policies'), join(copy.path, 'policies'), { recursive: true });
    await cp(join(root, 'package.json'), join(copy.path, 'package.json'));
    await symlink(join(root, 'node_modules'), join(copy.path, 'node_modules'));
    const silent = { ...opa, run: () => Promise.reject(new Error('opa is asked once more')) };
    const place = join(copy.path, 'bundle', 'policy');
    let versions = 0;
    const admit = async () => {
      const { href } = pathToFileURL(join(place, 'admitPolicy.ts'));
      const other: { admitPolicy: typeof admitPolicy } = await import(`${href}?${++versions}`);
      return other.admitPolicy(silent, policies, cache.path);
    };
    assert.deepEqual(await admit(), first);
    const parts = await codeOf('examinePolicy.ts');
    assert.ok(parts.size > 4);
    for (const name of parts) {
      const file = join(place, 'examine', name);
      const text = await readFile(file, 'utf8');
      await writeFile(file, `${text}\n`);
      await assert.rejects(admit(), /opa is asked once more/, name);
      await writeFile(file, text);
    }
  } finally {
    await cache.remove();
    await copy.remove();
  }
});
