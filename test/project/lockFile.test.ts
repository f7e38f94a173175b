import * as assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from '../_suite.ts';
import { root } from './_copyRepository.ts';

const test = suite('lock file');

for (const file of ['package-lock.json', 'docs/site/package-lock.json'])
  test(`${file}: every package is held to its bytes, and to no registry`, () => {
    const { packages } = JSON.parse(readFileSync(join(root, file), 'utf8')) as {
      packages: Record<string, { integrity?: string; resolved?: string }>;
    };
    const all = Object.entries(packages).filter(([path]) => path !== '');
    assert.ok(all.length > 100);
    const held = /^sha512-[A-Za-z0-9+/]{86}==$/;
    assert.deepEqual(
      all.filter(([, { integrity }]) => !held.test(integrity ?? '')).map(([path]) => path),
      [],
    );
    assert.deepEqual(
      all.filter(([, { resolved }]) => resolved !== undefined).map(([path]) => path),
      [],
    );
  });
