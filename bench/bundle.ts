// Bundles as the number of grants grows: compiling, deciding, reloading under load, memory, and from a push to the
// first denial, with `opa run` beside it on the same data, and OPAL where its programs are in the folder given.
// node bench/bundle.ts [GRANTS …] [--reloads N] [--pushes N] [--opal FOLDER]
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { pack } from '../bundle/archive/pack.ts';
import { readSigningKey } from '../bundle/archive/readSigningKey.ts';
import { assemble } from '../bundle/assemble.ts';
import { gitTree } from '../bundle/git/tree.ts';
import { findOpa } from '../bundle/policy/opa.ts';
import { keyPair } from '../test/bundle/_opa.ts';
import { startIssuer } from '../test/gateway/_issuer.ts';
import { measureDecisions } from './bundle/decisions.ts';
import { startWatched } from './bundle/gateway.ts';
import { measureOpal } from './bundle/opalPeer.ts';
import { measureOpa } from './bundle/opaPeer.ts';
import { commitFiles, organisationFiles, type Sizes, sizesOf, targetFile } from './bundle/organisation.ts';
import { median } from './gateway/tables.ts';

const { values, positionals } = parseArgs({
  options: {
    reloads: { type: 'string', default: '100' },
    pushes: { type: 'string', default: '20' },
    opal: { type: 'string', default: '' },
  },
  allowPositionals: true,
});
const reloads = Number(values.reloads);
const pushes = Number(values.pushes);
const sizes = positionals.length > 0 ? positionals.map(Number) : [1000, 10_000, 100_000, 1_000_000];
const loadEveryMs = 5;

const folder = mkdtempSync(join(tmpdir(), 'grantgate-bench-'));
const opa = await findOpa({ progress: console.error });
const issuer = await startIssuer();
const upstream = createServer({ keepAliveTimeout: 60_000 }, (_request, response) => response.end('{}'));
await new Promise<void>((done) => upstream.listen(0, '127.0.0.1', done));
const keys = keyPair('ec');
const signing = readSigningKey(keys.secret);
writeFileSync(join(folder, 'key.pem'), keys.open);

const pause = (ms: number) => new Promise<void>((done) => setTimeout(done, ms));
const worst = (list: readonly number[]) => Math.max(...list);
const say = (text: string) => console.error(`bench: ${text}`);

/** Milliseconds of `work`, and what it gave. */
async function timed<T>(work: () => Promise<T>): Promise<[number, T]> {
  const began = performance.now();
  const result = await work();
  return [performance.now() - began, result];
}

/** MiB of a gateway with as many APIs and next to no grants: what is not memory of grants. */
async function measureEmpty(home: string, apis: number): Promise<number> {
  const repository = join(home, 'empty.git');
  execFileSync('git', ['init', '--quiet', '--bare', '--initial-branch=main', repository]);
  await commitFiles(repository, organisationFiles({ ...sizesOf(1000), apis }), { first: true });
  const archive = join(home, 'empty.tar.gz');
  writeFileSync(
    archive,
    await pack(await assemble({ tree: await gitTree(repository, 'main'), opa }), signing),
  );
  const own = join(home, 'empty');
  mkdirSync(own);
  const gateway = await startWatched(own, issuer, {
    source: `file:${archive}`,
    key: join(folder, 'key.pem'),
  });
  try {
    await pause(2000);
    return gateway.rss();
  } finally {
    await gateway.close();
  }
}

async function measureSize(size: Sizes) {
  const home = join(folder, String(size.grants));
  const repository = join(home, 'access.git');
  const cache = join(home, 'cache');
  mkdirSync(home);
  execFileSync('git', ['init', '--quiet', '--bare', '--initial-branch=main', repository]);
  const { port } = upstream.address() as AddressInfo;
  await commitFiles(repository, organisationFiles(size, { upstream: `http://127.0.0.1:${port}` }), {
    first: true,
  });
  let round = 0;
  const change = async (granted: boolean) => {
    round += 1;
    await commitFiles(repository, [targetFile(round, granted)], { at: 1_795_000_000 + round });
  };
  const compileNow = async () => assemble({ tree: await gitTree(repository, 'main'), opa, cache });

  say(`${size.grants} grants: compiling`);
  // The policy is the same for all sizes and compiled once.
  await assemble({ tree: await gitTree(repository, 'main'), opa, cache });
  rmSync(join(cache, 'grants'), { recursive: true });
  const [scratch, bundle] = await timed(compileNow);
  const single: number[] = [];
  for (let count = 0; count < 5; count += 1) {
    await change(count % 2 === 1);
    single.push((await timed(compileNow))[0]);
  }
  say('deciding');
  const decisions = measureDecisions(bundle);
  const dataFile = join(home, 'data.json');
  writeFileSync(dataFile, bundle.data);
  const mebibytes = bundle.data.length / 2 ** 20;

  const empty = await measureEmpty(home, size.apis);
  say(`reloading ${reloads} times`);
  const archive = join(home, 'bundle.tar.gz');
  const next = async () => {
    await change(round % 2 === 0);
    writeFileSync(`${archive}.new`, await pack(await compileNow(), signing));
  };
  await next();
  renameSync(`${archive}.new`, archive);
  const fileHome = join(home, 'file');
  mkdirSync(fileHome);
  const gateway = await startWatched(fileHome, issuer, {
    source: `file:${archive}`,
    key: join(folder, 'key.pem'),
  });
  const [took, pauses, peaks] = [[] as number[], [] as number[], [] as number[]];
  let [requests, failed, idle] = [0, 0, 0];
  try {
    for (let count = 0; count < reloads; count += 1) {
      await next();
      const end = gateway.load(loadEveryMs);
      await pause(50);
      await gateway.longestPauseMs();
      gateway.forgetPeak();
      // Not seen by the watcher: the reload that is timed must be the one that finds it.
      const [ms] = await timed(async () => {
        renameSync(`${archive}.new`, archive);
        await gateway.reload();
      });
      took.push(ms);
      pauses.push(await gateway.longestPauseMs());
      peaks.push(gateway.peak());
      const load = await end();
      requests += load.requests;
      failed += load.failed;
    }
    await pause(3000);
    idle = gateway.rss();
  } finally {
    await gateway.close();
  }

  say(`pushing ${pushes} times`);
  const gitHome = join(home, 'git');
  mkdirSync(gitHome);
  await change(true);
  const pushed = await startWatched(gitHome, issuer, { source: `git+file://${repository}#main` });
  const denied: number[] = [];
  try {
    for (let count = 0; count < pushes; count += 1) {
      await change(true);
      await pushed.webhook();
      for (let tries = 0; (await pushed.ask('target')) !== 200; tries += 1) {
        if (tries > 3000) throw new Error('the grant is not enforced');
        await pause(10);
      }
      const [ms] = await timed(async () => {
        await change(false);
        await pushed.webhook();
        for (let tries = 0; (await pushed.ask('target')) !== 403; tries += 1) {
          if (tries > 10_000) throw new Error('the revocation is not enforced');
          await pause(2);
        }
      });
      denied.push(ms);
    }
  } finally {
    await pushed.close();
  }

  say('opa run');
  const peer = await measureOpa(opa.path, dataFile);
  // It takes minutes with more, and its OPA gigabytes.
  const opal =
    values.opal === '' || size.grants > 100_000
      ? null
      : await measureOpal({ bin: values.opal, opa: opa.path, data: bundle.data, home, rounds: 3 });
  rmSync(home, { recursive: true, force: true });
  return {
    grants: size.grants,
    mebibytes,
    ...{ scratch, single: median(single), decisions },
    ...{
      reload: median(took),
      reloadWorst: worst(took),
      pause: median(pauses),
      pauseWorst: worst(pauses),
      requests,
      failed,
    },
    ...{
      empty,
      peak: median(peaks),
      peakWorst: worst(peaks),
      idle,
      denied: median(denied),
      deniedWorst: worst(denied),
      peer,
      opal,
    },
  };
}

const rows: Awaited<ReturnType<typeof measureSize>>[] = [];
try {
  for (const size of sizes) rows.push(await measureSize(sizesOf(size)));
} finally {
  await issuer.close();
  upstream.closeAllConnections();
  upstream.close();
  rmSync(folder, { recursive: true, force: true });
}

const ms = (value: number) => `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`;
const µs = (value: number) => `${value.toFixed(1)} µs`;
const [first] = rows;
/** Memory beyond that of a gateway without grants, as multiples of data.json. */
const times = (own: number, { empty, mebibytes }: { empty: number; mebibytes: number }) =>
  mebibytes < 10 ? '-' : `${((own - empty) / mebibytes).toFixed(2)} ×`;
const table = {
  'data.json': rows.map(({ mebibytes }) => `${mebibytes.toFixed(1)} MiB`),
  'compile from scratch': rows.map(({ scratch }) => ms(scratch)),
  'compile after one file': rows.map(({ single }) => ms(single)),
  'decision, 1,000 callers, median': rows.map(({ decisions }) => µs(decisions.cached)),
  'decision, slice not cached': rows.map(({ decisions }) => µs(decisions.uncached)),
  'decision, caller in 50 groups': rows.map(({ decisions }) => µs(decisions.fiftyGroups)),
  'reload, median': rows.map(({ reload }) => ms(reload)),
  'reload, worst': rows.map(({ reloadWorst }) => ms(reloadWorst)),
  'longest pause at a reload, median': rows.map(({ pause: own }) => ms(own)),
  'longest pause at a reload, worst': rows.map(({ pauseWorst }) => ms(pauseWorst)),
  'requests failed while reloading': rows.map(({ requests, failed }) => `${failed} of ${requests}`),
  'memory while reloading, median': rows.map((row) => times(row.peak, row)),
  'memory while reloading, worst': rows.map((row) => times(row.peakWorst, row)),
  'memory, after': rows.map((row) => times(row.idle, row)),
  'push → first denial, median': rows.map(({ denied }) => ms(denied)),
  'push → first denial, worst': rows.map(({ deniedWorst }) => ms(deniedWorst)),
  'opa run, until it answers': rows.map(({ peer }) => ms(peer.ms)),
  'opa run, memory': rows.map(({ peer }) => `${Math.round(peer.mebibytes)} MiB`),
  'OPAL, webhook → first denial, median': rows.map(({ opal }) =>
    opal === null ? 'skipped' : ms(median(opal)),
  ),
  'OPAL / ours': rows.map(({ opal, denied }) =>
    opal === null ? '-' : `${(median(opal) / denied).toFixed(1)} ×`,
  ),
  'opa load / our reload': rows.map(({ reload, peer }) => `${(peer.ms / reload).toFixed(1)} ×`),
};
const wide = Math.max(...Object.keys(table).map(({ length }) => length));
console.log(['grants'.padEnd(wide), ...rows.map(({ grants }) => String(grants).padStart(14))].join(' '));
for (const [name, cells] of Object.entries(table))
  console.log([name.padEnd(wide), ...cells.map((cell) => cell.padStart(14))].join(' '));
const last = rows.at(-1);
if (first !== undefined && last !== undefined && first !== last)
  console.log(
    `decision median at ${last.grants} / at ${first.grants}: ${(last.decisions.cached / first.decisions.cached).toFixed(2)}`,
  );
process.exit(rows.every(({ failed }) => failed === 0) ? 0 : 1);
