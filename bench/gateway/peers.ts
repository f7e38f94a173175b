import { type ChildProcess, fork, spawn } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compile } from '../../bundle/compile/compile.ts';
import { workingTree } from '../../bundle/git/tree.ts';
import { load } from '../../bundle/grants/load.ts';
import { findOpa } from '../../bundle/policy/opa.ts';
import { childrenOf } from './processes.ts';
import { freePort, type Peer } from './world.ts';

/** The path of a program, or null. */
export function which(program: string): string | null {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'];
  return folders.map((folder) => join(folder, program)).find((path) => existsSync(path)) ?? null;
}

async function answers(url: string): Promise<void> {
  for (let attempt = 0; attempt < 600; attempt += 1) {
    const reached = await fetch(url).then(
      () => true,
      () => false,
    );
    if (reached) return;
    await new Promise((done) => setTimeout(done, 50));
  }
  throw new Error(`nothing answers at ${url}`);
}

/** Starts a program that listens at `url`, and waits for it. */
async function run(name: string, url: string, program: string, args: readonly string[]): Promise<Peer> {
  const child: ChildProcess = spawn(program, args, { stdio: 'ignore' });
  await answers(url);
  return { name, url, pids: [child.pid ?? 0], stop: () => void child.kill('SIGTERM') };
}

/** A yardstick of this folder in a process of its own, or in several. */
export function startBare(
  file: string,
  name: string,
  upstream: string,
  workers = 1,
): Promise<Peer & { pid: number }> {
  const child = fork(fileURLToPath(new URL(file, import.meta.url)), [upstream, String(workers)]);
  return new Promise((done) => {
    child.once('message', (message) => {
      const { port } = message as { port: number };
      const pid = child.pid ?? 0;
      const pids = [pid, ...childrenOf(pid)];
      done({ name, url: `http://127.0.0.1:${port}`, pid, pids, stop: () => void child.kill() });
    });
  });
}

/** nginx with one process; two workers would compete with the proxy under test. `server` gets the port it listens on. */
export async function startNginx(
  folder: string,
  name: string,
  server: (port: number) => string,
): Promise<Peer> {
  const program = which('nginx');
  if (program === null) throw new Error('nginx is not installed (apt-get install nginx-light)');
  const home = join(folder, name.replaceAll(/\W+/g, '-'));
  mkdirSync(home, { recursive: true });
  const port = await freePort();
  writeFileSync(
    join(home, 'nginx.conf'),
    `daemon off; master_process off; pid ${home}/pid; error_log ${home}/error.log crit;
events { worker_connections 4096; }
http { access_log off; client_body_temp_path ${home}/b; proxy_temp_path ${home}/p; fastcgi_temp_path ${home}/f;
uwsgi_temp_path ${home}/u; scgi_temp_path ${home}/s; keepalive_requests 10000000; keepalive_timeout 60s;
${server(port)} }
`,
  );
  return run(name, `http://127.0.0.1:${port}`, program, ['-p', home, '-c', join(home, 'nginx.conf')]);
}

const upstreams = (all: Readonly<Record<string, string>>) =>
  Object.entries(all)
    .map(([name, url]) => `upstream ${name} { server ${new URL(url).host}; keepalive 64; }`)
    .join('\n');
const kept = 'proxy_http_version 1.1; proxy_set_header Connection "";';

/** nginx in front of the upstream, which decides nothing. */
export const startBareNginx = (folder: string, upstream: string): Promise<Peer> =>
  startNginx(
    folder,
    'bare nginx',
    (port) => `${upstreams({ api: upstream })}
server { listen 127.0.0.1:${port}; location /bench/ { proxy_pass http://api/; ${kept} } }`,
  );

/** What the peers that decide are told of tokens and grants. */
export type Rules = { issuer: string; jwks: string; root: string; subjects: readonly string[] };

const rego = `package bench

operations := {"GET /bench/v1/items": "listItems", "POST /bench/v1/items": "createItem"}

claims := payload if {
	[valid, _, payload] := io.jwt.decode_verify(
		substring(input.token, 7, -1),
		{"cert": data.bench_jwks, "iss": data.bench_issuer, "aud": "grantgate"},
	)
	valid
}

allow if {
	startswith(input.token, "Bearer ")
	subject := concat("", ["user:", claims.sub])
	question := {
		"subject": subject,
		"groups": data.principals[subject].groups,
		"api": "bench",
		"operation": operations[concat(" ", [input.method, input.path])],
		"method": input.method,
		"path": "/v1/items",
		"networks": [],
		"mfa": false,
		"time": floor(time.now_ns() / 1000000000),
	}
	data.grantgate.authz.decision.allow with input as question
}
`;

/**
 * nginx that asks \`opa run\` with the same rules and grants, its decision log on. The token is verified by OPA. The answer
 * of its v1 API is a 200 whatever it says, which nginx takes for a yes; that of v0 is a 404 where the rule is undefined.
 */
export async function startNginxOpa(folder: string, upstream: string, rules: Rules): Promise<Peer> {
  const { organisation } = await load(await workingTree(rules.root));
  if (organisation === null) throw new Error('the bench organisation does not check');
  const files = {
    'data.json': compile(organisation),
    'bench.json': JSON.stringify({ bench_jwks: rules.jwks, bench_issuer: rules.issuer }),
    'bench.rego': rego,
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  const policies = fileURLToPath(new URL('../../policies/authz/decision.rego', import.meta.url));
  const port = await freePort();
  const options = ['--log-level', 'error', '--set', 'decision_logs.console=true', '--disable-telemetry'];
  const opa = await run('opa', `http://127.0.0.1:${port}/health`, (await findOpa()).path, [
    ...['run', '--server', '--addr', `127.0.0.1:${port}`, ...options, policies],
    ...Object.keys(files).map((name) => join(folder, name)),
  ]);
  const input = '{"token":"$http_authorization","method":"$request_method","path":"$request_uri"}';
  const nginx = await startNginx(
    folder,
    'nginx + OPA',
    (own) => `${upstreams({ opa: opa.url, api: upstream })}
server { listen 127.0.0.1:${own};
location /bench/ { auth_request /opa; proxy_pass http://api/; ${kept} }
location = /opa { internal; proxy_pass http://opa/v0/data/bench/allow; proxy_method POST; proxy_pass_request_body off;
  proxy_intercept_errors on; error_page 404 =403 /no;
  ${kept} proxy_set_header Content-Type application/json; proxy_set_body '${input}'; }
location = /no { internal; return 403; } }`,
  );
  const stop = async () => {
    await nginx.stop();
    await opa.stop();
  };
  return { ...nginx, pids: [...nginx.pids, ...opa.pids], stop };
}

/** Envoy that verifies tokens by itself and finds the caller's grant in a tree, with an access log for a record. */
export async function startEnvoy(
  program: string,
  folder: string,
  upstream: string,
  { issuer, jwks, subjects }: Rules,
): Promise<Peer> {
  const [port, admin] = [await freePort(), await freePort()];
  const at = (address: string, number: number) => ({ socket_address: { address, port_value: number } });
  const typed = (name: string, fields: object) => ({
    '@type': `type.googleapis.com/${name}`,
    ...fields,
  });
  const input = (header: string) => ({
    name: header,
    typed_config: typed('envoy.type.matcher.v3.HttpRequestHeaderMatchInput', { header_name: header }),
  });
  const tree = (header: string, map: object) => ({
    matcher_tree: { input: input(header), exact_match_map: { map } },
  });
  const action = typed('envoy.config.rbac.v3.Action', { name: 'granted', action: 'ALLOW' });
  const allow = { action: { name: 'allow', typed_config: action } };
  const people = tree('x-sub', Object.fromEntries(subjects.map((subject) => [subject, allow])));
  const matcher = tree(':method', {
    GET: { matcher: tree(':path', { '/bench/v1/items': { matcher: people } }) },
  });
  const filters = 'envoy.extensions.filters.http';
  const jwt = typed(`${filters}.jwt_authn.v3.JwtAuthentication`, {
    providers: {
      bench: {
        ...{ issuer, audiences: ['grantgate'], local_jwks: { inline_string: jwks } },
        claim_to_headers: [{ header_name: 'x-sub', claim_name: 'sub' }],
        jwt_cache_config: { jwt_cache_size: 100_000 },
      },
    },
    rules: [{ match: { prefix: '/' }, requires: { provider_name: 'bench' } }],
  });
  const format = '%START_TIME% %REQ(x-sub)% %REQ(:METHOD)% %REQ(:PATH)% %RESPONSE_CODE%\n';
  const manager = typed('envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager', {
    stat_prefix: 'bench',
    access_log: [
      {
        name: 'file',
        typed_config: typed('envoy.extensions.access_loggers.file.v3.FileAccessLog', {
          path: join(folder, 'envoy.log'),
          log_format: { text_format_source: { inline_string: format } },
        }),
      },
    ],
    route_config: {
      virtual_hosts: [
        {
          name: 'all',
          domains: ['*'],
          routes: [{ match: { prefix: '/bench/' }, route: { cluster: 'api', prefix_rewrite: '/' } }],
        },
      ],
    },
    http_filters: [
      { name: 'envoy.filters.http.jwt_authn', typed_config: jwt },
      { name: 'envoy.filters.http.rbac', typed_config: typed(`${filters}.rbac.v3.RBAC`, { matcher }) },
      { name: 'envoy.filters.http.router', typed_config: typed(`${filters}.router.v3.Router`, {}) },
    ],
  });
  const { hostname, port: upstreamPort } = new URL(upstream);
  const config = {
    admin: { address: at('127.0.0.1', admin) },
    static_resources: {
      listeners: [
        {
          address: at('127.0.0.1', port),
          filter_chains: [
            {
              filters: [{ name: 'envoy.filters.network.http_connection_manager', typed_config: manager }],
            },
          ],
        },
      ],
      clusters: [
        {
          ...{ name: 'api', type: 'STATIC' },
          load_assignment: {
            cluster_name: 'api',
            endpoints: [{ lb_endpoints: [{ endpoint: { address: at(hostname, Number(upstreamPort)) } }] }],
          },
        },
      ],
    },
  };
  const file = join(folder, 'envoy.json');
  writeFileSync(file, JSON.stringify(config));
  const args = ['-c', file, '--disable-hot-restart', '--concurrency', '1', '-l', 'critical'];
  return run('Envoy, RBAC', `http://127.0.0.1:${port}`, program, args);
}
