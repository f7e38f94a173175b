import * as assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { load } from 'js-yaml';
import { z } from 'zod';
import { jsonSchemas } from '../../bundle/grants/jsonSchemas.ts';
import { findOpa } from '../../bundle/policy/opa.ts';
import { parseConfig } from '../../gateway/config/config.ts';
import { configSchema } from '../../gateway/config/writeSchema.ts';
import { syncFile } from '../../reviewer/sync/providers/syncConfig.ts';
import { suite } from '../_suite.ts';
import { blocksOf } from './_blocks.ts';
import { repositoryFiles, root } from './_copyRepository.ts';

const test = suite('snippets');
const folder = mkdtempSync(join(tmpdir(), 'grantgate-snippets-'));
test.after(() => rmSync(folder, { recursive: true, force: true }));

type Schema = { type?: string; required?: readonly string[]; items?: Schema };
const schemas = new Map(
  [...jsonSchemas()].map(([name, text]) => [name.replace(/\.json$/, ''), JSON.parse(text) as Schema]),
);
/** What the first line of a block calls it → the schema that it keeps; null for the files of others. */
const kinds: readonly (readonly [RegExp, Schema | null])[] = [
  ...(
    [
      [/^grants\/apis\/[\w-]+\.yaml\b/, 'api'],
      [/^grants\/access\/[\w-]+\/[\w-]+\.yaml\b/, 'access'],
      [/^grants\/directory\/services\.yaml\b/, 'services'],
      [/^grants\/directory\/[\w-]+\.yaml\b/, 'directory'],
      [/^grants\/networks\.yaml\b/, 'networks'],
      [/^grants\/review\.yaml\b/, 'review'],
      [
        /^(?:tests\/[\w-]+\.yaml\b|yaml-language-server: \$schema=\.\.\/grants\/schema\/tests\.json$)/,
        'tests',
      ],
    ] as const
  ).map(([form, name]) => [form, schemas.get(name) ?? assert.fail(name)] as const),
  [/^gateway\.yaml\b/, JSON.parse(configSchema()) as Schema],
  [/^sync\.yaml\b/, z.toJSONSchema(syncFile, { io: 'input' }) as Schema],
  [
    /^(?:data\/[\w-]+\.yaml|steps of a workflow|prometheus\.yaml|kong\.yaml|access-rules\.yaml of Oathkeeper)\b/,
    null,
  ],
];
const ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: true });

const pem = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({
  type: 'spki',
  format: 'pem',
});

/** What is wrong with a block of YAML, which may show a part of its file. */
function yamlProblems(text: string): string[] {
  const name = /^# (.*)$/m.exec(text.split('\n')[0] ?? '')?.[1] ?? '';
  const kind = kinds.find(([form]) => form.test(name));
  if (kind === undefined) return [`a block of YAML does not say whose it is: ${text.split('\n')[0]}`];
  let value: unknown;
  try {
    value = load(text);
  } catch (error) {
    return [`${name}: ${error instanceof Error ? error.message : error}`];
  }
  const [, schema] = kind;
  if (schema === null) return [];
  const inner = schema.type === 'array' && !Array.isArray(value) ? (schema.items ?? {}) : schema;
  const { required: _, ...part } = inner;
  const problem = ajv.validate(part, value) ? null : ajv.errorsText(ajv.errors, { dataVar: '' });
  return problem === null ? [] : [`${name}: ${problem}`];
}

/** What a start by a block of gateway.yaml would stop at: secrets and keys that it names are there, and so is a source. */
function startProblems(text: string): string[] {
  const value = load(text) as { bundle?: object };
  for (const [, name = ''] of text.matchAll(/\{ env: (\w+) \}/g))
    process.env[name] ??= 'a-secret-of-no-value-0123456789';
  for (const [, name = ''] of text.matchAll(/\b([\w-]+\.pub\.pem)\b/g))
    writeFileSync(join(folder, name), pem);
  const bundle = { source: 'git+https://git.example.com/example/access.git#main', ...value.bundle };
  try {
    parseConfig({ ...value, bundle }, join(folder, 'gateway.yaml'));
    return [];
  } catch (error) {
    return [error instanceof Error ? error.message : String(error)];
  }
}

const pages = repositoryFiles().filter((path) => /^(?:README|docs\/.*|examples\/.*)\.md$/.test(path));

for (const page of pages) {
  const blocks = blocksOf(readFileSync(join(root, page), 'utf8'));
  const yaml = blocks.filter(({ language }) => language === 'yaml');
  if (yaml.length > 0)
    test(`${page}: what is shown of our files, our schemas take`, () => {
      assert.deepEqual(
        yaml.flatMap(({ text }) => yamlProblems(text)),
        [],
      );
      const configurations = yaml.filter(({ text }) => text.startsWith('# gateway.yaml'));
      assert.deepEqual(
        configurations.flatMap(({ text }) => startProblems(text)),
        [],
      );
    });
}

/** What is left out of an object is marked so. */
function isJson(text: string): boolean {
  try {
    JSON.parse(text.replaceAll('{…}', '{}'));
    return true;
  } catch {
    return false;
  }
}

test('every block of shell is one that bash takes, and every block of JSON is JSON, or a line for each', () => {
  for (const page of pages) {
    const blocks = blocksOf(readFileSync(join(root, page), 'utf8'));
    const shell = blocks.filter(({ language }) => language === 'sh').map(({ text }) => text);
    const { status, stderr } = spawnSync('bash', ['-n'], { input: shell.join('\n'), encoding: 'utf8' });
    assert.equal(status, 0, `${page}: ${stderr}`);
    // What is left out of an object is marked so.
    for (const { text } of blocks.filter(({ language }) => language === 'json'))
      assert.ok(isJson(text) || text.trim().split('\n').every(isJson), `${page}: ${text}`);
  }
});

test('every block of Rego compiles, with the others of its page', async () => {
  const opa = await findOpa();
  let tried = 0;
  for (const page of pages) {
    const files = blocksOf(readFileSync(join(root, page), 'utf8'))
      .filter(({ language }) => language === 'rego')
      .map(({ text }, index) => {
        const file = join(folder, `${page.replaceAll('/', '-')}-${index}.rego`);
        writeFileSync(file, text);
        return file;
      });
    if (files.length === 0) continue;
    const { code, stderr } = await opa.run(['check', ...files]);
    assert.equal(code, 0, stderr);
    tried += files.length;
  }
  assert.ok(tried >= 4);
});

test('docs/threats.md: every setting that it names is one', () => {
  const known = ['gateway.md', 'grants.md'].map((name) =>
    readFileSync(join(root, 'docs/reference', name), 'utf8'),
  );
  const named = [
    ...readFileSync(join(root, 'docs/threats.md'), 'utf8').matchAll(
      /`([a-z_]+(?:\[\])?(?:\.[a-z_]+)+|limits|thresholds|trusted_proxies)`/g,
    ),
  ]
    .map(([, setting = '']) => setting)
    .filter((setting) => !/\.(?:yaml|md)$/.test(setting));
  assert.ok(named.length > 20);
  assert.deepEqual(
    named.filter((setting) => !known.some((page) => page.includes(`| \`${setting}\` |`))),
    [],
  );
});

test('what our schemas do not take is found, and a block that is nobody’s', () => {
  assert.deepEqual(yamlProblems('# gateway.yaml\nlisten: { port: 8080 }\n'), []);
  assert.equal(yamlProblems('# gateway.yaml\nlisten: { prot: 8080 }\n').length, 1);
  assert.equal(yamlProblems('# sync.yaml\nproviders: [{ provider: okta, kind: octa }]\n').length, 1);
  assert.equal(yamlProblems('# grants/apis/orders.yaml\nowners: group:shop\n').length, 1);
  assert.equal(yamlProblems('# grants/access/orders/a.yaml\n- id: orders-a\n').length, 1);
  assert.equal(yamlProblems('listen: { port: 8080 }\n').length, 1);
  assert.equal(startProblems('issuers: [{ issuer: "http://a.example.com", audience: a }]').length, 1);
  assert.equal(yamlProblems('# kong.yaml\na: b: c\n').length, 1);
});
