import * as assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { load } from 'js-yaml';
import { check } from '../../bundle/check.ts';
import { findOpa } from '../../bundle/policy/opa.ts';
import { testRepository } from '../../gateway/explain/testRepository.ts';
import { suite } from '../_suite.ts';
import { blocksOf } from './_blocks.ts';
import { root } from './_copyRepository.ts';

const test = suite('docs/migrating.md');
const folder = mkdtempSync(join(tmpdir(), 'grantgate-migrating-'));
test.after(() => rmSync(folder, { recursive: true, force: true }));
const page = readFileSync(join(root, 'docs/migrating.md'), 'utf8');

test('its files are one repository, which checks and decides as its examples say', async () => {
  const place = join(folder, 'migrated');
  const named = [...page.matchAll(/^```yaml\n# ((?:grants|tests)\/\S+\.yaml)\n([\s\S]*?)^```$/gm)];
  assert.ok(named.length >= 11);
  for (const [, name = '', text = ''] of named) {
    mkdirSync(dirname(join(place, name)), { recursive: true });
    writeFileSync(join(place, name), text);
  }
  const { problems } = await check(place);
  assert.deepEqual(problems, []);
  const tested = await testRepository(place, { policies: false });
  assert.deepEqual([tested.problems, tested.examples], [[], 12]);
});

test('the policy that is left behind decided its examples the same way', async () => {
  const named = (name: string) =>
    new RegExp(`^\`\`\`yaml\\n# ${name}\\n([\\s\\S]*?)^\`\`\`$`, 'm').exec(page)?.[1] ?? '';
  const { groups } = load(named('grants/directory/hand.yaml')) as {
    groups: { name: string; members: string[] }[];
  };
  const examples = load(named('tests/invoices.yaml')) as Record<
    'who' | 'method' | 'path' | 'expect',
    string
  >[];
  const userOf = (who: string) => who.replace(/^user:/, '').replace(/^service:/, 'svc-');
  const users = Object.fromEntries(
    examples.map(({ who }) => [
      userOf(who),
      { groups: groups.filter(({ members }) => members.includes(who)).map(({ name }) => name) },
    ]),
  );
  const [before, data] = [join(folder, 'before.rego'), join(folder, 'before.json')];
  writeFileSync(before, blocksOf(page).find(({ language }) => language === 'rego')?.text ?? '');
  writeFileSync(data, JSON.stringify({ users }));
  const asked = examples.map(({ who, method, path }) => ({ user: userOf(who), method, path }));
  const opa = await findOpa();
  const { stdout, stderr } = await opa.run(
    [
      ...['eval', '--data', before, '--data', data, '--stdin-input', '--format', 'raw'],
      '[allow | some one in input; allow := data.httpapi.authz.allow with input as one]',
    ],
    { input: JSON.stringify(asked) },
  );
  assert.deepEqual(
    JSON.parse(stdout || 'null'),
    examples.map(({ expect }) => expect === 'allow'),
    stderr,
  );
});
