// What a second worker costs and gives: one process beside several, in turns in one run, with the same upstream (nginx),
// grants, tokens and records. CPU is that of all processes of a gateway; the busiest of them is what several are bound by
// where cores are free, so "room" is one process' CPU for a request over the busiest one's. Bare undici proxies, which
// share a port as Node's cluster has it, tell how much of that is Node's and the machine's.
// node bench/gateway/workers.ts [--workers N] [--no-rate] [ROUNDS] [SECONDS]
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createLoads } from './loads.ts';
import { startBare } from './peers.ts';
import { cpuMs, noise } from './processes.ts';
import { openScene } from './scene.ts';
import { type Figures, median, spanOf } from './tables.ts';
import { callers, type Peer, startGateway } from './world.ts';

const { values, positionals } = parseArgs({
  options: {
    workers: { type: 'string', default: '2' },
    'no-rate': { type: 'boolean', default: false },
  },
  allowPositionals: true,
});
const rounds = Number(positionals[0] ?? 5);
const seconds = Number(positionals[1] ?? 3);
const workers = Number(values.workers);
/** So that the limits are met by each request, and let it through. */
const rate = values['no-rate'] ? undefined : '600000/min';

const folder = mkdtempSync(join(tmpdir(), 'grantgate-bench-'));
const stops: (() => Promise<void> | void)[] = [];
const keep = <T extends Pick<Peer, 'stop'>>(peer: T): T => {
  stops.push(peer.stop);
  return peer;
};

type Measured = Figures & { busiest: number };

/** One load on one gateway; `busiest` is the CPU of the process that took most, for 1,000 requests. */
async function measure(peer: Peer, run: () => Promise<Figures>): Promise<Measured> {
  const each = () => peer.pids.map((pid) => cpuMs([pid]));
  const before = each();
  const figures = await run();
  const taken = each().map((ms, at) => ms - (before[at] ?? 0));
  const sum = taken.reduce((a, b) => a + b);
  return { ...figures, busiest: (figures.cpu * Math.max(...taken)) / sum };
}

async function run(): Promise<void> {
  const { upstream, root, issuer, tokenFile } = await openScene(folder, callers, stops, rate);
  const start = async (name: string, of: { workers?: number }) =>
    keep(await startGateway(join(folder, name.replaceAll(' ', '-')), root, issuer.url, { name, ...of }));
  const bare = async (name: string, file: string) => keep(await startBare(file, name, upstream, workers));
  /** Each with the one process that it is compared with. */
  const alone = await start('one process', {});
  const bareAlone = await bare('bare, one process', './bareUndici.ts');
  const peers: { peer: Peer; one: Peer }[] = [
    { peer: alone, one: alone },
    { peer: await start(`${workers} workers`, { workers }), one: alone },
    { peer: bareAlone, one: bareAlone },
    { peer: await bare(`bare, ${workers} workers`, './bareCluster.ts'), one: bareAlone },
  ];

  const { closed, open } = createLoads({ folder, tokenFile, connections: 32 });
  const openFor = (persecond: number) => (peer: Peer) =>
    open(peer, { callers, rate: persecond, count: persecond * seconds, warm: persecond });
  const loads: [name: string, run: (peer: Peer) => Promise<Figures>][] = [
    ['32 kept connections, as fast as they go', (peer) => closed(peer, callers, seconds)],
    ['1,000 requests/s', openFor(1000)],
    ['4,000 requests/s', openFor(4000)],
    ['a connection for each request', (peer) => closed(peer, callers, seconds, false)],
  ];
  // Until the code of each process is compiled as well as it will be.
  for (const { peer } of peers)
    for (let done = 0; done < 25_000 * peer.pids.length; )
      done += 2 * ((await closed(peer, callers, 2)).rate ?? 0);
  const results = new Map(loads.map(([name]) => [name, new Map<Peer, Measured[]>()]));
  for (let round = 0; round < rounds; round += 1)
    for (const [name, load] of loads)
      for (const { peer } of round % 2 === 0 ? peers : peers.toReversed()) {
        const taken = results.get(name);
        taken?.set(peer, [...(taken.get(peer) ?? []), await measure(peer, () => load(peer))]);
      }

  console.log(
    `${rounds} rounds of ${seconds} s in turns, ${rate ?? 'no rate'}; medians and (lowest–highest)\n`,
  );
  for (const [name, taken] of results) {
    console.log(name);
    for (const { peer, one: alone } of peers) {
      const [own, one] = [taken.get(peer) ?? [], taken.get(alone) ?? []];
      const of = (pick: (figures: Measured) => number) => median(own.map(pick));
      const against = (pick: (figures: Measured, single: Measured) => number) =>
        spanOf(
          own.flatMap((figures, round) => (one[round] === undefined ? [] : [pick(figures, one[round])])),
        );
      console.log(
        [
          `  ${peer.name.padEnd(18)}`,
          own[0]?.rate === null ? '' : `${of((figures) => figures.rate ?? 0).toFixed(0)} requests/s`,
          `${of(({ cpu }) => cpu).toFixed(0)} ms of CPU for 1,000`,
          `p99 ${of(({ p99 }) => p99).toFixed(1)} ms`,
          ...(peer === alone
            ? []
            : [
                `CPU ${against(({ cpu }, single) => cpu / single.cpu)} ×`,
                `room ${against(({ busiest }, single) => single.busiest / busiest)} ×`,
              ]),
        ].join('  '),
      );
    }
  }
  const { memoryNs, load } = noise();
  console.log(`\nnoise: a read of memory takes ${memoryNs.toFixed(0)} ns, load ${load}`);
}

try {
  await run();
} finally {
  for (const stop of stops.reverse()) await stop();
  rmSync(folder, { recursive: true, force: true });
}
