import * as assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { load } from 'js-yaml';
import { z } from 'zod';
import { readConfig } from '../../gateway/config/config.ts';
import { freePort } from '../_server.ts';
import { suite } from '../_suite.ts';
import { root } from '../project/_copyRepository.ts';
import { parseDockerfile } from '../project/_dockerfile.ts';
import { assertKept, runSteps, stepsOf } from '../project/_walkthrough.ts';
import { copyExample } from './_copyExample.ts';

// Docker is not to be had from a package registry: what the file names is looked at, and the gateway and the API run without it.
const test = suite('the example of Docker Compose');
const folder = join(root, 'examples/compose');
const read = (name: string) => readFileSync(join(folder, name), 'utf8');
const service = z.strictObject({
  image: z.string(),
  build: z.string().optional(),
  command: z.array(z.string()).optional(),
  user: z.string().optional(),
  profiles: z.array(z.string()).optional(),
  init: z.boolean().optional(),
  environment: z.record(z.string(), z.string()).optional(),
  volumes: z.array(z.string()).default([]),
  ports: z.array(z.string()).default([]),
  networks: z.array(z.string()).default(['default']),
  depends_on: z.array(z.string()).default([]),
  read_only: z.boolean().optional(),
  cap_drop: z.tuple([z.literal('ALL')]),
  security_opt: z.tuple([z.literal('no-new-privileges:true')]),
  stop_grace_period: z.string().optional(),
  restart: z.string().optional(),
});
const { services, volumes, networks } = z
  .strictObject({
    name: z.string(),
    services: z.record(z.string(), service),
    networks: z.record(z.string(), z.unknown()),
    volumes: z.record(z.string(), z.null()),
  })
  .parse(load(read('compose.yaml')));
const named = (name: string) => {
  const found = services[name];
  assert.ok(found, name);
  return found;
};
/** Container path → what is mounted there. */
const mounts = (name: string) =>
  new Map(named(name).volumes.map((volume) => [volume.split(':')[1] ?? '', volume.split(':')[0] ?? '']));
const json = (name: string) => load(read(name)) as Record<string, unknown>;

test('what is mounted is there, read only, and every volume and network is declared', () => {
  for (const [name, { volumes: mounted, networks: joined, depends_on }] of Object.entries(services)) {
    for (const volume of mounted) {
      const [source = '', , mode] = volume.split(':');
      if (!source.startsWith('.')) assert.ok(source in volumes, `${name}: ${volume}`);
      else {
        assert.equal(mode, 'ro', `${name}: ${volume}`);
        // Made by the page's first step.
        if (source !== './access') assert.ok(existsSync(resolve(folder, source)), `${name}: ${volume}`);
      }
    }
    for (const network of joined) assert.ok(network === 'default' || network in networks, network);
    for (const other of depends_on) assert.ok(other in services, other);
  }
});

test('images are named by version, those that the image is built from by the same', () => {
  for (const { image, build } of Object.values(services))
    assert.ok(
      build !== undefined || image === named('gateway').image || /:v?\d+\.\d+\.\d+/.test(image),
      image,
    );
  const dockerfile = readFileSync(resolve(folder, named('gateway').build ?? '', 'Dockerfile'), 'utf8');
  assert.ok(parseDockerfile(dockerfile).some(({ image }) => image === named('api').image));
});

test('it holds no secret, and publishes on loopback only, each port once', () => {
  const ports = Object.values(services).flatMap((one) => one.ports);
  for (const port of ports) assert.match(port, /^127\.0\.0\.1:\d+:\d+$/);
  const outside = ports.map((port) => port.split(':')[1]);
  assert.equal(new Set(outside).size, outside.length);
  for (const { environment = {} } of Object.values(services))
    for (const [name, value] of Object.entries(environment))
      if (/TOKEN|SECRET|PASSWORD|KEY/.test(name)) assert.match(value, /^\$\{[A-Z_]+:\?[^}]+\}$/, name);
  assert.deepEqual([named('api').ports, named('api').networks], [[], ['apis']]);
  assert.deepEqual(networks.apis, { internal: true });
});

test('gateway, Prometheus and Grafana find each other where their files say', () => {
  const [admin = '', at = ''] = ['GRANTGATE_ADMIN_TOKEN', '/etc/grantgate/gateway.yaml'];
  assert.ok(admin in (named('gateway').environment ?? {}));
  assert.equal(mounts('gateway').get(at), './gateway.yaml');
  const config = readConfig(join(folder, 'gateway.yaml'));
  const inside = named('gateway').ports.map((port) => Number(port.split(':')[2]));
  assert.deepEqual(inside, [config.listen.port, config.admin.port]);
  assert.deepEqual([config.listen.host, config.admin.host], ['0.0.0.0', '0.0.0.0']);
  const source = /^git\+file:\/\/(\/\w+)#main$/.exec(config.bundle.source)?.[1] ?? '';
  assert.equal(mounts('gateway').get(source), './access');
  for (const path of [config.state, config.decisions.folder])
    assert.ok(path.startsWith('/var/lib/grantgate/'), path);
  const seconds = Number.parseInt(named('gateway').stop_grace_period ?? '', 10);
  assert.ok(seconds * 1000 > config.limits.drain_timeout);
  const review = named('review').command ?? [];
  assert.ok(review.includes(config.decisions.folder) && review.includes(source));

  const { rule_files, scrape_configs } = json('prometheus.yaml') as {
    rule_files: string[];
    scrape_configs: { job_name: string; static_configs: { targets: string[]; labels: object }[] }[];
  };
  for (const file of rule_files) assert.ok(mounts('prometheus').get(file)?.endsWith('/alerts.yaml'), file);
  const [job] = scrape_configs;
  assert.match(job?.job_name ?? '', /grantgate/);
  assert.deepEqual(job?.static_configs, [
    { targets: [`gateway:${config.admin.port}`], labels: { environment: 'compose' } },
  ]);

  const [datasource] = (json('grafana/datasource.yaml') as { datasources: { type: string; url: string }[] })
    .datasources;
  const port = named('prometheus').ports[0]?.split(':')[2];
  assert.deepEqual([datasource?.type, datasource?.url], ['prometheus', `http://prometheus:${port}`]);
  const [provider] = (json('grafana/dashboards.yaml') as { providers: { options: { path: string } }[] })
    .providers;
  assert.ok(
    mounts('grafana').get(`${provider?.options.path}/grantgate.json`)?.endsWith('/dashboard.json'),
    provider?.options.path,
  );
});

test('as its page says, one request is allowed and one denied; the same files, without Docker', async () => {
  const example = await copyExample('compose');
  try {
    const [api, listen, admin] = [await freePort(), await freePort(), await freePort()];
    example.edit('api.mjs', (text) => text.replace('listen(3000)', `listen(${api}, '127.0.0.1')`));
    example.edit('gateway.yaml', (text) =>
      text
        .replace('file:///access', `file://${example.folder}/access`)
        .replace('0.0.0.0, port: 8080', `127.0.0.1, port: ${listen}`)
        .replace('0.0.0.0, port: 9090', `127.0.0.1, port: ${admin}`)
        .replaceAll('/var/lib/grantgate', `${example.folder}/data`),
    );
    const page = example
      .read('README.md')
      .replace('http://api:3000', `http://127.0.0.1:${api}`)
      .replace(/^docker compose up .*$/m, 'node api.mjs & grantgate serve --config gateway.yaml >&2 &')
      .replace(
        /^docker compose run --rm review$/m,
        'grantgate review --root access --decisions data/decisions',
      )
      .replaceAll(':8080', `:${listen}`)
      .replaceAll(':9090', `:${admin}`);
    assert.doesNotMatch(page, /^docker/m);
    const steps = stepsOf(page);
    assert.equal(steps.filter(({ prints }) => prints.length > 0).length, 2);
    assertKept(steps, await runSteps(steps, example));
  } finally {
    example.remove();
  }
});
