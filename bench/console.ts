// node bench/console.ts [RECORDS [GRANTS [FOLDER]]]: the console over a generated organisation: how long it takes to read the grants,
// its first page, later ones while records are read and a review is under way, and all of them after that; beside each
// the ratio to a page of the same size that a bare server answers from memory. 10,000,000 records of 100,000 grants, left
// out; FOLDER is what an earlier run generated, and stays.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { generatedIn, generateReview } from './review/generateReview.ts';

const [records = 10_000_000, grants = 100_000] = process.argv.slice(2, 4).map(Number);
const given = process.argv[4];
const cli = fileURLToPath(new URL('../cli.ts', import.meta.url));
const folder = given ?? (await mkdtemp(join(tmpdir(), 'grantgate-bench-console-')));
const ms = (value: number) => `${value.toFixed(value < 10 ? 1 : 0)} ms`;

/** Reads a page to its end. */
async function read(url: string): Promise<{ took: number; text: string }> {
  const began = performance.now();
  const response = await fetch(url);
  const text = await response.text();
  if (response.status !== 200) throw new Error(`${url} answered ${response.status}`);
  return { took: performance.now() - began, text };
}

/** The median and the slowest of some reads. */
async function measure(url: string, times: number) {
  const took: number[] = [];
  let bytes = 0;
  for (let time = 0; time < times; time += 1) {
    const page = await read(url);
    took.push(page.took);
    bytes = page.text.length;
  }
  took.sort((a, b) => a - b);
  return { median: took[Math.floor(times / 2)] ?? 0, slowest: took.at(-1) ?? 0, bytes };
}

/** The same for a page of so many bytes that is there already. */
async function bare(bytes: number, times: number) {
  const body = 'x'.repeat(bytes);
  const server = createServer((_request, response) => response.end(body));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const found = await measure(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`, times);
  server.closeAllConnections();
  server.close();
  return found.median;
}

/** Seconds of processor time of a process and those it started, as /proc has it. */
async function processorOf(pid: number): Promise<string> {
  let ticks = 0;
  for (const name of await readdir('/proc')) {
    const text = /^\d+$/.test(name) ? await readFile(`/proc/${name}/stat`, 'utf8').catch(() => '') : '';
    const fields = text
      .slice(text.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number);
    if (Number(name) !== pid && fields[1] !== pid) continue;
    for (const field of fields.slice(11, 15)) ticks += field;
  }
  return (ticks / 100).toFixed(1);
}

async function table(url: string, title: string, times: number) {
  const id = 'grant-4711';
  const paths = [
    ...['/', '/access', '/access?q=person-47', '/access?api=api-7', '/access?api=api-7&page=100'],
    ...['/access?operation=create', '/access?person=person-47@example.com', '/access?group=desk'],
    ...[
      `/grant?id=${id}`,
      '/usage',
      '/usage?api=api-7&column=directly',
      '/findings',
      '/findings?page=20',
      '/change',
    ],
    ...['/records', '/records?who=person-47@example.com', '/records?grant=grant-4711', '/campaigns'],
    '/records?answer=denied',
  ];
  console.log(`\n${title}`);
  for (const path of paths) {
    const { median, slowest, bytes } = await measure(`${url}${path}`, times);
    const ratio = median / (await bare(bytes, 5));
    console.log(
      `${path.padEnd(46)} ${ms(median).padStart(9)}  slowest ${ms(slowest).padStart(9)}  ${`${Math.round(bytes / 1000)} kB`.padStart(7)}  ${ratio.toFixed(0).padStart(5)} × bare`,
    );
  }
}

try {
  const made =
    given === undefined
      ? await generateReview(folder, { records, grants, days: 90, changes: 'daily' })
      : generatedIn(folder);
  console.log(`${records} records (${Math.round(made.bytes / 1e6)} MB) of ${grants} grants`);
  const args = ['console', '--root', made.root, '--decisions', made.decisions, '--port', '0'];
  const began = performance.now();
  const child = spawn(process.execPath, [cli, ...args, '--as-of', new Date(made.asOfMs).toISOString()], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    const lines = createInterface({ input: child.stdout });
    const [line = ''] = (await once(lines, 'line')) as [string];
    const url = /http:\/\/[^/]+/.exec(line)?.[0];
    if (url === undefined) throw new Error(`it said ${line}`);
    console.log(
      `ready after ${ms(performance.now() - began)}; first page ${ms((await read(`${url}/`)).took)}`,
    );
    await table(url, 'while records are read and a review is planned', 3);
    for (let text = 'being read'; /being read|under way/.test(text); ) {
      await new Promise((done) => setTimeout(done, 1000));
      ({ text } = await read(`${url}/findings`));
    }
    console.log(
      `\nall read after ${ms(performance.now() - began)}, processor ${await processorOf(child.pid ?? 0)} s`,
    );
    await table(url, 'afterwards', 11);
  } finally {
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    await ended;
  }
} finally {
  if (given === undefined) await rm(folder, { recursive: true, force: true });
}
