import * as assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { suite } from '../../_suite.ts';
import { access, asOfMs, daysAgo, type Place, place } from '../_review.ts';

const test = suite('--explain');
const past = `role: reader\nexpires: ${daysAgo(1)}`;
let here: Place;
test.before(async () => {
  here = await place(access([{ id: 'past', rest: past }, { id: 'torn' }, { id: 'over', rest: past }]));
});
test.after(() => here.remove());

test('--explain prints the facts and the Rego of a finding, and refuses a fingerprint that is none', async () => {
  const cli = fileURLToPath(new URL('../../../cli.ts', import.meta.url));
  const at = new Date(asOfMs).toISOString();
  const run = (...more: string[]) =>
    execFileSync(
      process.execPath,
      [cli, 'review', '--root', here.root, '--decisions', here.decisions, '--as-of', at, ...more],
      { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] },
    );
  const { plan } = await here.review();
  const [finding] = plan.findings;
  const text = run('--explain', finding?.fingerprint ?? '');
  for (const part of [
    `${finding?.fingerprint}: delete ${finding?.grant}`,
    '"thresholds"',
    'policies/review/expired.rego',
    'has_expired',
  ])
    assert.ok(text.includes(part), part);
  assert.equal(
    JSON.parse(run('--explain', finding?.fingerprint ?? '', '--json')).finding.grant,
    finding?.grant,
  );
  assert.throws(() => run('--explain', 'f'.repeat(40)), /no finding, or several, with the fingerprint/);
});
