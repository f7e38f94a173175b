import * as assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { dump, load } from 'js-yaml';
import { parseConfig } from '../../gateway/config/config.ts';
import { suite } from '../_suite.ts';
import { startWorld } from '../gateway/_gateway.ts';
import { exampleOf, type RunningProxy, startProxy } from '../gateway/_proxies.ts';
import { root } from '../project/_copyRepository.ts';
import { createProblems, goModule, type Manifest, manifestsOf } from './_customResources.ts';

// A cluster is not to be had from a package registry: the manifests are held to the schemas that their vendors publish, and Envoy
// runs with what their control planes make of them.
const test = suite('the examples on Kubernetes');
const read = (path: string) => readFileSync(join(root, 'examples', path), 'utf8');
const manifests = (name: string) =>
  ['access.yaml', 'route.yaml'].flatMap((file) => manifestsOf(read(`${name}/${file}`)));
const one = (name: string, kind: string): Manifest =>
  manifests(name).find((manifest) => manifest.kind === kind) ?? assert.fail(kind);

const published = {
  'envoy-gateway': [
    ['github.com/envoyproxy/gateway@v1.6.0', 'charts/gateway-helm/crds/generated'],
    ['sigs.k8s.io/gateway-api@v1.4.0', 'config/crd/standard'],
  ],
  istio: [['istio.io/api@v1.28.0', 'kubernetes/customresourcedefinitions.gen.yaml']],
} as const;
const names = Object.keys(published) as (keyof typeof published)[];

for (const name of names)
  test(`${name}: the manifests are what its schemas take`, async () => {
    const places: string[] = [];
    for (const [module, path] of published[name]) {
      const folder = await goModule(module);
      if (folder === null)
        return console.log(`${module} cannot be had here: the manifests are not held to it`);
      places.push(join(folder, path));
    }
    const problems = createProblems(places);
    assert.deepEqual(manifests(name).flatMap(problems), []);
    const [first] = manifests(name);
    assert.ok(first !== undefined);
    assert.equal(problems({ ...first, spec: { ...first.spec, extAuht: {} } }).length, 1);
    assert.equal(problems({ ...first, kind: 'SecurityPolice' }).length, 1);
  });

for (const name of names)
  test(`${name}: the chart takes its values, and the gateway what the chart makes of them`, () => {
    const values = load(read(`${name}/values.yaml`)) as { config: { decision_point: object } };
    const chart = join(root, 'gateway/deploy/helm/grantgate');
    const defaults = load(readFileSync(join(chart, 'values.yaml'), 'utf8')) as object;
    const validate = new Ajv({ allErrors: true, allowUnionTypes: true }).compile(
      JSON.parse(readFileSync(join(chart, 'values.schema.json'), 'utf8')) as object,
    );
    assert.equal(validate({ ...defaults, ...values }), true, JSON.stringify(validate.errors));
    process.env.GRANTGATE_GIT_TOKEN ??= 'a-token-of-no-value';
    const { decision_point, ...config } = values.config;
    const listen = { host: '0.0.0.0', port: 8081 };
    const merged = { ...config, decision_point: { ...decision_point, listen } };
    assert.equal(parseConfig(merged, '/etc/grantgate/gateway.yaml').decision_point?.listen.port, 8081);
  });

test('istio: the authorizer is one as the mesh’s configuration has it, and the policy names it', async () => {
  const { meshConfig } = load(read('istio/mesh.yaml')) as {
    meshConfig: { extensionProviders: { name: string; envoyExtAuthzHttp: Record<string, unknown> }[] };
  };
  const [provider] = meshConfig.extensionProviders;
  assert.deepEqual(one('istio', 'AuthorizationPolicy').spec.provider, { name: provider?.name });
  const folder = await goModule('istio.io/api@v1.28.0');
  if (folder === null) return;
  const proto = readFileSync(join(folder, 'mesh/v1alpha1/config.proto'), 'utf8');
  const message = /message EnvoyExternalAuthorizationHttpProvider \{[\s\S]*?\n {4}\}/.exec(proto)?.[0] ?? '';
  for (const field of Object.keys(provider?.envoyExtAuthzHttp ?? {}))
    assert.match(
      message,
      new RegExp(`\\b${field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)} = \\d+;`),
      field,
    );
});

type Filter = { name: string; typed_config: Record<string, unknown> };
type Listener = {
  common_http_protocol_options?: object;
  http_filters: Filter[];
  early_header_mutation_extensions?: object[];
};
const exact = (headers: readonly string[]) => ({
  patterns: headers.map((header) => ({ exact: header, ignore_case: true })),
});

/** Our example for Envoy with another question, and other ways to take out what a client made up. */
function envoyWith(change: (listener: Listener, question: (asked: object) => Filter) => void): string {
  const config = load(exampleOf('envoy')) as {
    static_resources: { listeners: { filter_chains: { filters: { typed_config: Listener }[] }[] }[] };
  };
  const listener = config.static_resources.listeners[0]?.filter_chains[0]?.filters[0]?.typed_config;
  assert.ok(listener);
  const [, ours] = listener.http_filters;
  assert.ok(ours);
  const { '@type': type } = ours.typed_config;
  change(listener, (asked) => ({ name: ours.name, typed_config: { '@type': type, ...asked } }));
  return dump(config);
}

const serviceAt = (path: unknown) => ({
  server_uri: { uri: 'http://127.0.0.1:8081', cluster: 'grantgate', timeout: '2s' },
  path_prefix: path,
});

/** As Envoy Gateway 1.6 translates both policies: exact names, the early ones before any filter. */
function ofEnvoyGateway(): string {
  type ExtAuth = {
    failOpen: boolean;
    headersToExtAuth: string[];
    http: { path: string; headersToBackend: string[] };
  };
  const { extAuth } = one('envoy-gateway', 'SecurityPolicy').spec as { extAuth: ExtAuth };
  const { headers } = one('envoy-gateway', 'ClientTrafficPolicy').spec as {
    headers: { withUnderscoresAction: string; earlyRequestHeaders: { remove: string[] } };
  };
  assert.deepEqual([headers.withUnderscoresAction, extAuth.failOpen], ['RejectRequest', false]);
  return envoyWith((listener, question) => {
    listener.early_header_mutation_extensions = [
      {
        name: 'envoy.http.early_header_mutation.header_mutation',
        typed_config: {
          '@type':
            'type.googleapis.com/envoy.extensions.http.early_header_mutation.header_mutation.v3.HeaderMutation',
          mutations: headers.earlyRequestHeaders.remove.map((remove) => ({ remove })),
        },
      },
    ];
    const asked = question({
      allowed_headers: exact(extAuth.headersToExtAuth),
      http_service: {
        ...serviceAt(extAuth.http.path),
        authorization_response: { allowed_upstream_headers: exact(extAuth.http.headersToBackend) },
      },
    });
    listener.http_filters = [asked, ...listener.http_filters.slice(2)];
  });
}

/** As Istio 1.28 translates the provider: `…*` is a prefix. The filter of the EnvoyFilter stands first, as it is. */
function ofIstio(): string {
  type Provider = Record<
    'includeRequestHeadersInCheck' | 'headersToUpstreamOnAllow' | 'headersToDownstreamOnDeny',
    string[]
  > & { pathPrefix: string; failOpen: boolean };
  const { meshConfig } = load(read('istio/mesh.yaml')) as {
    meshConfig: { extensionProviders: { envoyExtAuthzHttp: Provider }[] };
  };
  const asked = meshConfig.extensionProviders[0]?.envoyExtAuthzHttp ?? assert.fail('provider');
  assert.equal(asked.failOpen, false);
  const matching = (headers: readonly string[]) => ({
    patterns: headers.map((header) =>
      header.endsWith('*') ? { prefix: header.slice(0, -1) } : { exact: header },
    ),
  });
  const { configPatches } = one('istio', 'EnvoyFilter').spec as {
    configPatches: { patch: { operation: string; value: Filter } }[];
  };
  const [patch] = configPatches;
  assert.equal(patch?.patch.operation, 'INSERT_FIRST');
  return envoyWith((listener, question) => {
    // Istio lets names with underscores through.
    delete listener.common_http_protocol_options;
    const filter = question({
      allowed_headers: matching(asked.includeRequestHeadersInCheck),
      http_service: {
        ...serviceAt(asked.pathPrefix),
        authorization_response: {
          allowed_upstream_headers: matching(asked.headersToUpstreamOnAllow),
          allowed_client_headers: matching(asked.headersToDownstreamOnDeny),
        },
      },
    });
    listener.http_filters = [patch?.patch.value ?? assert.fail(), filter, ...listener.http_filters.slice(2)];
  });
}

/** Status of an answer to exactly these headers. */
function ask(url: string, path: string, headers: Record<string, string>, method = 'GET'): Promise<number> {
  return new Promise((done, fail) => {
    request(`${url}${path}`, { method, headers, agent: false }, (response) => {
      response.resume();
      done(response.statusCode ?? 0);
    })
      .on('error', fail)
      .end();
  });
}

test('Envoy, as either configures it, lets in what is granted, refuses the rest, and believes no header of a client', async () => {
  const world = await startWorld({
    config: { decision_point: { listen: { port: 0 }, forward_auth: { trusted_proxies: ['127.0.0.1/32'] } } },
  });
  const envoys: RunningProxy[] = [];
  try {
    for (const [name, config] of [
      ['envoy-gateway', ofEnvoyGateway()],
      ['istio', ofIstio()],
    ] as const) {
      const envoy = await startProxy('envoy', world.gateway.decisionPoint ?? '', world.upstream.url, config);
      if (envoy === null) return console.log('envoy cannot be had here');
      envoys.push(envoy);
      const headers = { authorization: `Bearer ${await world.issuer.token({ sub: 'cleo@example.com' })}` };
      assert.equal(await ask(envoy.url, '/orders/v1/orders', headers), 200, name);
      const seen = world.upstream.received.at(-1)?.headers ?? {};
      assert.deepEqual(seen['x-grantgate-subject'], ['user:cleo@example.com'], name);
      assert.equal(seen.authorization, undefined, name);
      assert.equal(await ask(envoy.url, '/orders/v1/orders', headers, 'POST'), 403, name);
      assert.equal(
        await ask(envoy.url, '/orders/v1/orders', { 'x-grantgate-subject': 'user:cleo@example.com' }),
        401,
        name,
      );
      for (const last of ['subject', 'groups', 'grants', 'decision', 'assertion', 'truncated'])
        for (const separators of ['--', '..', '.-', '-.', '__', '-_']) {
          const alias = `x${separators[0]}grantgate${separators[1]}${last}`;
          const before = world.upstream.received.length;
          const status = await ask(envoy.url, '/orders/v1/orders', {
            ...headers,
            [alias]: 'forged-by-client',
          });
          const got = world.upstream.received[before];
          if (got === undefined) assert.equal(status, 400, `${name}: ${alias}`);
          else assert.doesNotMatch(JSON.stringify(got.headers), /forged-by-client/, `${name}: ${alias}`);
        }
    }
  } finally {
    for (const envoy of envoys) await envoy.close();
    await world.close();
  }
});
