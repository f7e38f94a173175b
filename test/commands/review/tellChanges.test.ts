import * as assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tellChanges } from '../../../commands/review/tellChanges.ts';
import { readConfig } from '../../../gateway/config/config.ts';
import { suite } from '../../_suite.ts';

const test = suite('tellChanges');

test('configuration read anew is in force, or is refused with the reason in the log', () => {
  const folder = mkdtempSync(join(tmpdir(), 'grantgate-changes-'));
  const file = join(folder, 'gateway.yaml');
  const bundle = 'bundle: { source: "git+file:///srv/access.git" }\n';
  try {
    writeFileSync(file, bundle);
    const current = readConfig(file);
    const said: unknown[] = [];
    const log = {
      info: (text: string) => said.push(text),
      warn: (facts: object, text: string) => said.push({ ...facts, text }),
      error: (facts: object, text: string) => said.push({ ...facts, text }),
    };
    const told = (text: string) => {
      writeFileSync(file, text);
      said.length = 0;
      tellChanges(file, current, log);
      assert.equal(said.length, 1);
      return said[0];
    };
    assert.match(String(told(bundle)), /it is the one in force/);
    const changed = told(`${bundle}limits: { concurrency: 7 }\nlog: { level: warn }\n`);
    assert.deepEqual((changed as { changed: string[] }).changed.toSorted(), ['limits', 'log']);
    assert.match((told(`${bundle}limtis: {}\n`) as { err: Error }).err.message, /limtis/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
