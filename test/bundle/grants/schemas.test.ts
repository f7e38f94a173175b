import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { jsonSchemas } from '../../../bundle/grants/jsonSchemas.ts';
import { text } from '../../../bundle/grants/schema.ts';
import { suite } from '../../_suite.ts';

const test = suite('schemas');
const folder = fileURLToPath(new URL('../../../grants/schema/', import.meta.url));

test('grants/schema/ is what the definition says (else: node bundle/grants/writeSchemas.ts)', () => {
  const expected = jsonSchemas();
  assert.equal(readdirSync(folder).sort(), [...expected.keys()].sort());
  for (const [name, text] of expected) assert.is(readFileSync(folder + name, 'utf8'), text, name);
});

test('a schema refuses unknown keys and asks for what is due', () => {
  const access = JSON.parse(jsonSchemas().get('access.json') ?? '');
  assert.is(access.items.additionalProperties, false);
  assert.equal(access.items.required, ['id', 'principal', 'api', 'reason', 'owner', 'granted']);
});

test('a text is what stands between its outer spaces, and spaces alone are none', () => {
  assert.is(text(5).parse('  short  '), 'short');
  for (const one of ['', '   ', '\t\n', 'longer']) assert.not(text(5).safeParse(one).success, one);
});
