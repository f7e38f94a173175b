// Requests per second and added latency, in turns in one run: two bare proxies, ours, and nginx asking OPA. The same
// upstream (nginx), the same 1,000 grants, RS256 tokens of 200 callers, decision records on, wrk with 32 connections.
// node bench/gateway.ts [ROUNDS] [SECONDS]
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findOpa } from '../bundle/policy/opa.ts';
import {
  freePort,
  type Peer,
  runWrk,
  startBare,
  startNginx,
  startOpa,
  startOurs,
  which,
  writeOrganisation,
} from './gateway/world.ts';

const rounds = Number(process.argv[2] ?? 5);
const seconds = Number(process.argv[3] ?? 4);
const connections = 32;
const rate = 1000;
if (which('wrk') === null) throw new Error('wrk is not installed (apt-get install wrk)');
if (which('nginx') === null) throw new Error('nginx is not installed (apt-get install nginx-light)');

const folder = mkdtempSync(join(tmpdir(), 'grantgate-bench-'));
const stops: (() => Promise<void> | void)[] = [];
const keep = <T extends Peer>(peer: T): T => {
  stops.push(peer.stop);
  return peer;
};
try {
  await run();
} finally {
  for (const stop of stops.reverse()) await stop();
  rmSync(folder, { recursive: true, force: true });
}

async function run(): Promise<void> {
  const upstreamPort = await freePort();
  const body = '{"items":[{"id":"1","name":"a thing"},{"id":"2","name":"another thing"}]}';
  const answer = `default_type application/json; return 200 '${body}';`;
  const upstream = keep(
    await startNginx(
      folder,
      'upstream',
      `server { listen 127.0.0.1:${upstreamPort}; location / { ${answer} } }`,
      upstreamPort,
    ),
  );
  const root = join(folder, 'access');
  writeOrganisation(root, upstream.url);
  const ours = keep(await startOurs(folder, root));
  const peers: Peer[] = [
    keep(await startBare('./bareUndici.ts', 'bare undici dispatch', upstream.url)),
    keep(await startBare('./bareHttpProxy.ts', 'bare http-proxy-3', upstream.url)),
    ours,
  ];
  const opa = keep(await startOpa(folder, root, (await findOpa()).path));
  const port = await freePort();
  // The caller's name comes in a header that nothing checks: verifying a token would only cost this peer more.
  const input =
    '{"subject":"user:$http_x_caller","groups":["group:bench"],"api":"bench","operation":"listItems","method":"GET","path":"/v1/items","networks":[],"mfa":false,"time":1795428000}';
  const http = `upstream opa { server ${opa.url.slice(7)}; keepalive 64; } upstream api { server ${upstream.url.slice(7)}; keepalive 64; }
server { listen 127.0.0.1:${port};
location / { auth_request /opa; proxy_pass http://api; proxy_http_version 1.1; proxy_set_header Connection ""; }
location = /opa { internal; proxy_pass http://opa/v0/data/grantgate/authz/decision/allow; proxy_method POST; proxy_pass_request_body off;
  proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Content-Type application/json; proxy_set_body '${input}'; } }`;
  peers.push(keep(await startNginx(folder, 'nginx + opa', http, port)));
  if (which('envoy') === null) console.log('skipped: Envoy with jwt_authn and ext_authz (no envoy on PATH)');

  const tokens = join(folder, 'tokens');
  writeFileSync(tokens, ours.tokens.join('\n'));
  const script = join(folder, 'wrk.lua');
  writeFileSync(
    script,
    `local requests, n = {}, 0
init = function()
  local i = 0
  for token in io.lines("${tokens}") do
    requests[i] = wrk.format("GET", "/bench/v1/items", { ["Host"] = "127.0.0.1", ["Authorization"] = "Bearer " .. token, ["X-Caller"] = "caller" .. i .. "@example.com" })
    i = i + 1
  end
end
request = function() n = (n + 7) % ${ours.tokens.length}; return requests[n] end
`,
  );

  const results = new Map(peers.map(({ name }) => [name, [] as number[]]));
  const measure = (peer: Peer, duration: number) => {
    const output = runWrk(['-t1', `-c${connections}`, `-d${duration}s`, '-s', script, peer.url]);
    const bad = /Non-2xx or 3xx responses: (\d+)|Socket errors: (.*)/.exec(output);
    if (bad !== null) throw new Error(`${peer.name}: ${bad[0]}`);
    return Number(/Requests\/sec: +([\d.]+)/.exec(output)?.[1]);
  };
  // Until the code of each is compiled as well as it will be.
  for (const peer of peers) measure(peer, 10);
  for (let round = 0; round < rounds; round += 1) {
    for (const peer of peers) results.get(peer.name)?.push(measure(peer, seconds));
  }
  const median = (values: number[]) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
  const ourRate = median(results.get(ours.name) ?? []);
  console.log(`\n${connections} connections, ${rounds} rounds of ${seconds} s in turns, requests/s`);
  for (const [name, values] of results) {
    const own = median(values);
    const all = values.map((value) => Math.round(value)).join(' ');
    console.log(
      `${name.padEnd(22)} median ${Math.round(own).toString().padStart(6)}   ours / this ${(ourRate / own).toFixed(2)}   (${all})`,
    );
  }

  const bare = peers[0];
  if (bare === undefined) return;
  const latency = (peer: Peer): { median: number; p99: number; failures: number } =>
    JSON.parse(
      execFileSync(
        process.execPath,
        [
          fileURLToPath(new URL('./gateway/openLoad.ts', import.meta.url)),
          `${peer.url}/bench/v1/items`,
          String(rate),
          String(seconds),
          tokens,
        ],
        { encoding: 'utf8' },
      ),
    );
  const added: { median: number; p99: number }[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const [without, with_] = [latency(bare), latency(ours)];
    if (without.failures + with_.failures > 0) throw new Error('requests failed in the open model');
    added.push({ median: with_.median - without.median, p99: with_.p99 - without.p99 });
  }
  console.log(
    `\nopen model, ${rate} requests/s, added over the bare undici proxy, medians of ${rounds} rounds:`,
  );
  console.log(
    `median +${median(added.map((a) => a.median)).toFixed(3)} ms   p99 +${median(added.map((a) => a.p99)).toFixed(3)} ms`,
  );
}
