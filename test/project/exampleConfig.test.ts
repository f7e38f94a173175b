import * as assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { load as parse } from 'js-yaml';
import { z } from 'zod';
import { parseConfig, readConfig } from '../../gateway/config/config.ts';
import { gatewayConfig } from '../../gateway/config/gatewayConfig.ts';
import { suite } from '../_suite.ts';
import { root } from './_copyRepository.ts';

const test = suite('exampleConfig');
const file = join(root, 'gateway.example.yaml');
const text = readFileSync(file, 'utf8');

type Schema = { properties?: Record<string, Schema>; items?: Schema };

/** Every key a configuration may have, as `a.b`; what stands in a list as `a.b` too. */
function keysOf(schema: Schema, above = ''): string[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, inner]) => {
    const path = above === '' ? name : `${above}.${name}`;
    const deeper = [...keysOf(inner, path), ...keysOf(inner.items ?? {}, path)];
    return deeper.length > 0 ? deeper : [path];
  });
}

/** The value at a path, in the first entry of a list. */
function at(value: unknown, path: string): unknown {
  return path.split('.').reduce<unknown>((inside, name) => {
    const here = Array.isArray(inside) ? (inside as unknown[])[0] : inside;
    return (here as Record<string, unknown> | undefined)?.[name];
  }, value);
}

const known = keysOf(z.toJSONSchema(gatewayConfig, { io: 'input', unrepresentable: 'any' }) as Schema);

test('is accepted as it stands', () => {
  const config = readConfig(file);
  assert.equal(config.bundle.source, 'git+https://git.example.com/northwind/access.git#main');
});

test('shows every key there is', () => {
  assert.ok(known.includes('listen.port') && known.includes('issuers.audience'), known.join(' '));
  const value = parse(text);
  assert.deepEqual(
    known.filter((path) => at(value, path) === undefined),
    [],
  );
});

test('shows the default wherever it does not say that it shows an example', () => {
  const issuers = [{ issuer: 'https://login.example.com', audience: 'x' }];
  const defaults = parseConfig({ bundle: { source: 'git+https://x.example/y' }, issuers }, file);
  const shown = readConfig(file);
  const examples = text
    .split('\n')
    .flatMap((line) => /^ *(?:- )?([a-z0-9_]+): .*# example(?:;|$)/.exec(line)?.[1] ?? []);
  assert.ok(examples.length > 5);
  // What stands under an example is one too.
  const shows = (path: string) => path.split('.').some((name) => examples.includes(name));
  for (const path of known.filter((name) => !shows(name)))
    assert.deepEqual(at(shown, path), at(defaults, path), path);
});

test('says what is wrong once a key is misspelt', () => {
  assert.throws(
    () => parseConfig(parse(text.replace('\ntrusted_proxies', '\ntrusted_proxy')), file),
    /unknown key "trusted_proxy" \(did you mean "trusted_proxies"\?\)/,
  );
});
