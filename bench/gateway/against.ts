// What a request costs by this checkout beside others, in turns in one run: the same upstream (nginx), grants and tokens.
// Milliseconds of CPU for 1,000 requests, and the other's as a multiple of ours: the medians of all rounds, and of that half
// of them before which the machine was quieter.
// node bench/gateway/against.ts [--callers 200] [--rounds 15] [--seconds 1] [--workers 1] [--unkept] CHECKOUT…
// --unkept: a connection for each request.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { assertGate } from './gate.ts';
import { createLoads } from './loads.ts';
import { noise } from './processes.ts';
import { openScene } from './scene.ts';
import { median } from './tables.ts';
import { type Peer, startGateway } from './world.ts';

const { values, positionals: checkouts } = parseArgs({
  options: {
    callers: { type: 'string', default: '200' },
    rounds: { type: 'string', default: '15' },
    seconds: { type: 'string', default: '1' },
    workers: { type: 'string', default: '1' },
    unkept: { type: 'boolean', default: false },
  },
  allowPositionals: true,
});
const [callers, rounds, seconds] = [Number(values.callers), Number(values.rounds), Number(values.seconds)];
const workers = Number(values.workers);
const warmSeconds = 6;

const folder = mkdtempSync(join(tmpdir(), 'grantgate-bench-'));
const stops: (() => Promise<void> | void)[] = [];
try {
  await run();
} finally {
  for (const stop of stops.reverse()) await stop();
  rmSync(folder, { recursive: true, force: true });
}

async function run(): Promise<void> {
  const { root, issuer, tokenFile, credentials } = await openScene(folder, callers, stops);
  const { closed } = createLoads({ folder, tokenFile, connections: 32 });

  const peers: Peer[] = [];
  for (const [at, checkout] of ['', ...checkouts].entries()) {
    const name = checkout === '' ? 'this checkout' : basename(resolve(checkout));
    const code = checkout === '' ? '' : resolve(checkout);
    const peer = await startGateway(join(folder, String(at)), root, issuer.url, { name, code, workers });
    stops.push(peer.stop);
    await assertGate(peer, credentials, true);
    peers.push(peer);
  }
  const load = (peer: Peer, duration: number) => closed(peer, callers, duration, !values.unkept);
  for (const peer of peers) await load(peer, warmSeconds);

  const cpu = new Map<Peer, number[]>(peers.map((peer) => [peer, []]));
  const noises: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    noises.push(noise().memoryNs);
    // Who comes first, does so in every other round only.
    for (const peer of round % 2 === 0 ? peers : peers.toReversed())
      cpu.get(peer)?.push((await load(peer, seconds)).cpu);
  }

  const most = median(noises);
  const row = (name: string, values: readonly number[], digits: number) => {
    const quiet = values.filter((_, round) => (noises[round] ?? 0) <= most);
    const [all, half] = [median(values), median(quiet)].map((value) => value.toFixed(digits).padStart(7));
    const each = values.map((value) => value.toFixed(digits)).join(' ');
    console.log(`${name.padEnd(24)}${all}${half}   ${each}`);
  };
  console.log(`${callers} callers, ${rounds} rounds of ${seconds} s: all, the quieter half, each`);
  const [ours = []] = cpu.values();
  for (const [{ name }, values] of cpu) row(name, values, 1);
  for (const [{ name }, values] of cpu)
    if (values !== ours) {
      const ratios = values.map((value, round) => value / (ours[round] ?? Number.NaN));
      row(`${name} / this`, ratios, 2);
    }
  row('a read of memory, ns', noises, 0);
}
