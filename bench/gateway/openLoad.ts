// An open model: requests leave on schedule, whether or not earlier ones have been answered, so a pause of the proxy is
// seen by everyone it delays. Latency counts from the instant a request was due. What this process took of the processor
// it would take from the proxy, and a pause of its own would be the proxy's: so it writes ready-made bytes to connections
// that it opened before, and sleeps a fifth of a millisecond at a time rather than by timers, which would send in bursts.
// `late` is by how much its 99th send of a hundred missed its instant: a tail that is no longer is not the proxy's.
// The first requests, by which code is compiled on both sides, are not in the percentiles.
// argv: URL RATE COUNT WARM_UP TOKENS_FILE TOKENS
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { performance } from 'node:perf_hooks';

const [url = '', rate = '1000', count = '5000', warm = '0', file = '', most = '1'] = process.argv.slice(2);
const { host, hostname, port, pathname } = new URL(url);
const requests = readFileSync(file, 'utf8')
  .trim()
  .split('\n')
  .slice(0, Number(most))
  .map((token) => `GET ${pathname} HTTP/1.1\r\nhost: ${host}\r\nauthorization: Bearer ${token}\r\n\r\n`);
const connections = 128;
const everyMs = 1000 / Number(rate);
const total = Number(count) + Number(warm);
const napMs = 0.2;
const nap = new Int32Array(new SharedArrayBuffer(4));
const latencies: number[] = [];
const lateness: number[] = [];
const free: Connection[] = [];
/** When those were due that no connection was free for. */
const waiting: number[] = [];
let failures = 0;
let sent = 0;
let done = 0;
let begin = 0;

/** Answers in turn; each must say how long its body is. */
class Connection {
  readonly #socket: Socket;
  #answer = '';
  #due = 0;
  #counts = false;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => this.#read(chunk.toString('latin1')));
    socket.on('close', () => {
      const at = free.indexOf(this);
      if (at < 0) fail(new Error('a connection was closed before its answer'));
      free.splice(at, 1);
    });
  }

  send(due: number): void {
    this.#due = due;
    this.#counts = sent >= Number(warm);
    if (this.#counts) lateness.push(performance.now() - due);
    this.#socket.write(requests[sent % requests.length] ?? '', 'latin1');
    sent += 1;
  }

  #read(text: string): void {
    this.#answer += text;
    const head = this.#answer.indexOf('\r\n\r\n');
    if (head < 0) return;
    const length = /\r\ncontent-length: *(\d+)\r\n/i.exec(this.#answer)?.[1];
    if (length === undefined) fail(new Error(`an answer without a length: ${this.#answer.slice(0, head)}`));
    if (this.#answer.length < head + 4 + Number(length)) return;
    if (!this.#answer.startsWith('HTTP/1.1 200 ')) failures += 1;
    this.#answer = '';
    if (this.#counts) latencies.push(performance.now() - this.#due);
    done += 1;
    if (done === total) report();
    const due = waiting.shift();
    if (due === undefined) free.push(this);
    else this.send(due);
  }
}

function fail(error: Error): never {
  console.error(error.message);
  process.exit(1);
}

function tick(): void {
  const now = performance.now();
  for (
    let due = begin + (sent + waiting.length) * everyMs;
    sent + waiting.length < total && due <= now;
    due += everyMs
  ) {
    // In turns: none is idle for long enough to be closed.
    const connection = free.shift();
    if (connection === undefined) waiting.push(due);
    else connection.send(due);
  }
  Atomics.wait(nap, 0, 0, napMs);
  setImmediate(tick);
}

function report(): void {
  const at = (values: number[], share: number) =>
    values.sort((a, b) => a - b)[Math.floor(share * (values.length - 1))] ?? 0;
  const [p50, p99, p999] = [0.5, 0.99, 0.999].map((share) => at(latencies, share));
  process.stdout.write(
    `${JSON.stringify({ requests: total, p50, p99, p999, late: at(lateness, 0.99), failures })}\n`,
  );
  process.exit();
}

for (let opened = 0; opened < connections; opened += 1) {
  const socket = connect({ host: hostname, port: Number(port), noDelay: true }, () => {
    free.push(new Connection(socket));
    if (free.length < connections) return;
    begin = performance.now() + 50;
    tick();
  });
  socket.on('error', fail);
}
