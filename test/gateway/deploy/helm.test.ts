import * as assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { load } from 'js-yaml';
import { parseConfig } from '../../../gateway/config/config.ts';
import { suite } from '../../_suite.ts';
import { root } from '../../project/_copyRepository.ts';

// Helm itself is not to be had from a package registry: check-chart.sh lints and renders where it is installed.
const test = suite('the Helm chart');
const chart = join(root, 'gateway/deploy/helm/grantgate');
const read = (name: string) => readFileSync(join(chart, name), 'utf8');
const values = load(read('values.yaml')) as Record<string, unknown> & { config: object };
const validate = new Ajv({ allErrors: true }).compile(JSON.parse(read('values.schema.json')) as object);

test('is of the version that the program is', () => {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  const { version: own, appVersion } = load(read('Chart.yaml')) as Record<string, string>;
  assert.deepEqual([own, appVersion], [version, version]);
});

test('takes its own values, and refuses others by their place', () => {
  assert.equal(validate(values), true, JSON.stringify(validate.errors));
  for (const wrong of [
    { replica: 3 },
    { replicas: 0 },
    { image: { repository: '' } },
    { image: { repository: 'x', digest: 'sha256:1' } },
    { config: {} },
    { config: { ...values.config, state: '/elsewhere' } },
    { secrets: {} },
    { persistence: { size: 'much' } },
    { service: { type: 'ExternalName' } },
  ])
    assert.equal(validate({ ...values, ...wrong }), false, JSON.stringify(wrong));
});

test('its schema and its templates know every value, and no others', () => {
  const { properties } = JSON.parse(read('values.schema.json')) as { properties: object };
  assert.deepEqual(
    Object.keys(properties)
      .filter((name) => name !== 'global')
      .sort(),
    Object.keys(values).sort(),
  );
  const templates = readdirSync(join(chart, 'templates'))
    .map((name) => read(join('templates', name)))
    .join('\n');
  for (const name of Object.keys(values))
    assert.match(templates, new RegExp(`\\.Values\\.${name}\\b|"${name}"`), name);
});

test('Prometheus knows its pods as the alert rules look for them: by job, and by what follows one branch', () => {
  const [, job = ''] = /up\{job=~"([^"]+)"\}/.exec(read('../../monitoring/alerts.yaml')) ?? [];
  const [, name = ''] = /^app\.kubernetes\.io\/name: (.+)$/m.exec(read('templates/_helpers.tpl')) ?? [];
  assert.match(name, new RegExp(`^(?:${job})$`));
  const monitor = read('templates/servicemonitor.yaml');
  assert.match(monitor, /^ {2}jobLabel: app\.kubernetes\.io\/name$/m);
  assert.match(monitor, /targetLabel: environment, /);
});

test('a pod is given the time that requests may take to end', () => {
  const { limits } = parseConfig(values.config, '/etc/grantgate/gateway.yaml');
  const [, before = ''] = /setTimeout\(\(\) => \{\}, (\d+)\)/.exec(read('templates/statefulset.yaml')) ?? [];
  const seconds = Number(values.terminationGracePeriodSeconds);
  assert.ok(Number(before) > 0);
  assert.ok(seconds * 1000 >= Number(before) + limits.drain_timeout + 10_000, String(seconds));
});

test('what it puts over the configuration is a configuration', () => {
  process.env.GRANTGATE_TEST_POD = 'grantgate-0';
  try {
    const config = parseConfig(
      {
        ...values.config,
        listen: { host: '0.0.0.0', port: 8080 },
        admin: { host: '0.0.0.0', port: 9090, token: { env: 'GRANTGATE_ADMIN_TOKEN' } },
        state: '/var/lib/grantgate/state',
        decisions: {
          folder: '/var/lib/grantgate/decisions',
          usage: '/var/lib/grantgate/usage',
          instance: { env: 'GRANTGATE_TEST_POD' },
        },
      },
      '/etc/grantgate/gateway.yaml',
    );
    assert.equal(config.decisions.instance, 'grantgate-0');
  } finally {
    delete process.env.GRANTGATE_TEST_POD;
  }
});
