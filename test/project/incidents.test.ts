import * as assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openFloorFile } from '../../gateway/load/floorFile.ts';
import { saveLastGood } from '../../gateway/load/lastGood.ts';
import { suite } from '../_suite.ts';
import { root } from './_copyRepository.ts';

// Commands and options are looked at in documents.test.ts, as those of every page.
const test = suite('incidents');
const page = readFileSync(join(root, 'docs/incidents.md'), 'utf8');
const codes = readFileSync(join(root, 'docs/reference/codes.md'), 'utf8');

test('what a gateway is made to forget is what it keeps of releases, and nothing else', async () => {
  const state = mkdtempSync(join(tmpdir(), 'grantgate-incidents-'));
  try {
    await openFloorFile(state, 'https://bundles.example/b').raise({ counter: 9999 }, false);
    await saveLastGood(state, 'https://bundles.example/b', { archive: Buffer.from('x'), counter: 9999 });
    const named = /^rm (.*)$/m.exec(page)?.[1]?.split(' ') ?? [];
    const forms = named.map((path) => path.replace('/var/lib/grantgate/state/', '').replace('*', ''));
    assert.deepEqual(forms, ['floor-', 'last-good.bundle']);
    const kept = readdirSync(state).sort();
    assert.deepEqual(
      kept.map((name) => forms.findIndex((form) => name.startsWith(form))),
      [0, 1],
      kept.join(),
    );
  } finally {
    rmSync(state, { recursive: true, force: true });
  }
});

test('the codes that it names are explained', () => {
  for (const code of ['policy-stale', 'bundle-expired', 'counter-rollback']) {
    assert.ok(page.includes(`\`${code}\``), code);
    assert.ok(codes.includes(`\`${code}\``), code);
  }
});
