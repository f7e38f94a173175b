import * as assert from 'node:assert/strict';
import { existsSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { check } from '../../bundle/check.ts';
import { freePort } from '../_server.ts';
import { suite } from '../_suite.ts';
import { exampleOf, findProxy, type ProxyName } from '../gateway/_proxies.ts';
import { root } from '../project/_copyRepository.ts';
import { assertKept, runSteps, type Step, stepsOf } from '../project/_walkthrough.ts';
import { copyExample } from './_copyExample.ts';

const test = suite('the examples behind a proxy');
const names: readonly ProxyName[] = ['nginx', 'caddy', 'envoy'];
const shared = 'gateway/deploy/proxies';
const page = (name: string) => readFileSync(join(root, 'examples', name, 'README.md'), 'utf8');

test('their grants are valid', async () => {
  const { problems } = await check(join(root, 'examples/behind-a-proxy'));
  assert.deepEqual(problems, []);
});

test('as each page says, one request is allowed, one denied, and a word of the caller’s own counts for nothing', async () => {
  const example = await copyExample('behind-a-proxy', [...names.map((name) => `examples/${name}`), shared]);
  try {
    const [api, gate, listen, admin] = [
      await freePort(),
      await freePort(),
      await freePort(),
      await freePort(),
    ];
    const ports = (text: string) =>
      text
        .replaceAll('8081', `${gate}`)
        .replaceAll('8082', `${listen}`)
        .replaceAll('9090', `${admin}`)
        .replaceAll('9000', `${api}`);
    for (const file of ['api.mjs', 'gateway.yaml', 'grants/apis/orders.yaml']) example.edit(file, ports);
    const steps: Step[] = stepsOf(ports(page('behind-a-proxy')));
    for (const name of names) {
      const program = await findProxy(name);
      if (program === null) {
        console.log(`${name} cannot be had here: its page is not run`);
        continue;
      }
      symlinkSync(program, join(example.bin, name));
      const port = await freePort();
      const file = { nginx: 'nginx.conf', caddy: 'Caddyfile', envoy: 'envoy.yaml' }[name];
      // The same, on a port that is free, for this machine only.
      example.edit(join('../../', shared, file), (text) =>
        ports(text)
          .replace('listen 8080', `listen 127.0.0.1:${port}`)
          .replace('http://:8080', `http://127.0.0.1:${port}`)
          .replace('0.0.0.0, port_value: 8080', `127.0.0.1, port_value: ${port}`),
      );
      steps.push(
        { shell: `cd ../${name}\n`, prints: [] },
        ...stepsOf(page(name).replaceAll(':8080', `:${port}`)),
      );
    }
    assertKept(steps, await runSteps(steps, example));
  } finally {
    example.remove();
  }
});

test('what a page starts and copies is there, Traefik’s too, which cannot be run here', () => {
  for (const name of [...names, 'traefik'] as const) {
    const named = [...page(name).matchAll(/(?:\.\.\/\.\.\/gateway\/deploy\/proxies\/|\]\()([\w./-]+)/g)];
    for (const [all, path = ''] of named) {
      const from = all.startsWith('](') ? join(root, 'examples', name) : join(root, shared);
      assert.ok(existsSync(join(from, path)), `${name}: ${path}`);
    }
  }
  const route = readFileSync(join(root, 'examples/traefik/dynamic/orders.yaml'), 'utf8');
  for (const [, middleware = ''] of route.matchAll(/middlewares: \[([\w-]+), ([\w-]+)\]/g))
    assert.match(exampleOf('traefik'), new RegExp(`^ {4}${middleware}:$`, 'm'));
});
