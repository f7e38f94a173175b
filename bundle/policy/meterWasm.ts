import { BundleError } from '../bundleError.ts';

// An evaluation runs on the thread that serves, and nothing can interrupt it there: so the module itself counts down
// at each entry of a function and each turn of a loop, and traps at nought. Counted, not timed: the same question ends
// the same way on a slow machine. Held to opa's own modules by test/bundle/policy/meterWasm.test.ts.

/** The global that holds how many steps are left. */
export const stepsLeft = 'grantgate_steps_left';
/** Enough for a module to start by; whoever evaluates sets its own. */
const toStart = 100_000_000;

const [header, globals, exported, code] = [8, 6, 7, 10];
const i32 = 0x7f;

class Reader {
  readonly bytes: Uint8Array;
  at: number;
  constructor(bytes: Uint8Array, at = 0) {
    this.bytes = bytes;
    this.at = at;
  }
  get done(): boolean {
    return this.at >= this.bytes.length;
  }
  byte(): number {
    const byte = this.bytes[this.at];
    if (byte === undefined) throw new BundleError('wasm-invalid', 'policy.wasm ends too early');
    this.at += 1;
    return byte;
  }
  /** Passes over a number of any length. */
  pass(count = 1): void {
    for (let left = count; left > 0; left -= 1) while (this.byte() >= 0x80);
  }
  number(): number {
    let value = 0;
    for (let factor = 1; factor <= 2 ** 28; factor *= 0x80) {
      const byte = this.byte();
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
    }
    throw new BundleError('wasm-invalid', 'policy.wasm holds a number that is too long');
  }
  take(length: number): Uint8Array {
    const from = this.at;
    this.at += length;
    if (this.at > this.bytes.length) throw new BundleError('wasm-invalid', 'policy.wasm ends too early');
    return this.bytes.subarray(from, this.at);
  }
}

function lengthOf(value: number): number[] {
  const bytes: number[] = [];
  for (let left = value; ; left = Math.floor(left / 0x80)) {
    if (left < 0x80) return [...bytes, left];
    bytes.push((left % 0x80) | 0x80);
  }
}

/** A list of entries, with one more behind them. */
function withOneMore(section: Uint8Array, entry: readonly number[]): { count: number; bytes: Uint8Array } {
  const reader = new Reader(section);
  const count = reader.number();
  return {
    count,
    bytes: Buffer.concat([Buffer.from(lengthOf(count + 1)), section.subarray(reader.at), Buffer.from(entry)]),
  };
}

const range = (first: number, last: number) =>
  Array.from({ length: last - first + 1 }, (_, at) => first + at);
/** How many numbers follow an instruction of one byte, as opa writes them; the others are told apart below. */
const operands = new Map([
  ...[0x00, 0x01, 0x05, 0x0b, 0x0f, 0x1a, 0x1b, ...range(0x45, 0xc4)].map((code) => [code, 0] as const),
  // A block's type, a label, a function, a variable, memory, a constant.
  ...[0x02, 0x03, 0x04, 0x0c, 0x0d, 0x10, ...range(0x20, 0x24), ...range(0x3f, 0x42)].map(
    (code) => [code, 1] as const,
  ),
  ...[0x11, ...range(0x28, 0x3e)].map((code) => [code, 2] as const),
]);
/** Those that begin with 0xfc: conversions, memory.copy and memory.fill. */
const longer = new Map([...range(0, 7).map((code) => [code, 0] as const), [10, 2], [11, 1]]);

/** Passes over what follows an instruction's first byte; throws for one that opa does not write. */
function passOperands(reader: Reader, operation: number): void {
  if (operation === 0x0e) reader.pass(reader.number() + 1);
  else if (operation === 0x43) reader.take(4);
  else if (operation === 0x44) reader.take(8);
  else {
    const count = operation === 0xfc ? longer.get(reader.number()) : operands.get(operation);
    if (count === undefined)
      throw new BundleError(
        'wasm-invalid',
        `policy.wasm holds the instruction 0x${operation.toString(16)}, which no policy needs`,
      );
    reader.pass(count);
  }
}

/** The code of all functions, each of which counts when it is entered and at each turn of its loops. */
function metered(section: Uint8Array, counter: number): Uint8Array {
  const index = lengthOf(counter);
  // if (left == 0) unreachable; left -= 1
  const count = Buffer.from([
    0x23,
    ...index,
    0x45,
    0x04,
    0x40,
    0x00,
    0x0b,
    0x23,
    ...index,
    0x41,
    0x01,
    0x6b,
    0x24,
    ...index,
  ]);
  const reader = new Reader(section);
  const functions = reader.number();
  const parts: Uint8Array[] = [Buffer.from(lengthOf(functions))];
  for (let left = functions; left > 0; left -= 1) {
    const body = new Reader(reader.take(reader.number()));
    for (let locals = body.number(); locals > 0; locals -= 1) body.pass(2);
    const pieces: Uint8Array[] = [body.bytes.subarray(0, body.at), count];
    let from = body.at;
    while (!body.done) {
      const operation = body.byte();
      passOperands(body, operation);
      if (operation !== 0x03) continue;
      pieces.push(body.bytes.subarray(from, body.at), count);
      from = body.at;
    }
    pieces.push(body.bytes.subarray(from));
    const size = pieces.reduce((sum, piece) => sum + piece.length, 0);
    parts.push(Buffer.from(lengthOf(size)), ...pieces);
  }
  return Buffer.concat(parts);
}

/**
 * The same module with a counter of steps: it traps once `stepsLeft`, a global it exports, is nought. Throws BundleError
 * `wasm-invalid` for what is no module or has instructions that opa does not write.
 */
export function meterWasm(bytes: Uint8Array): WebAssembly.Module {
  const name = Buffer.from(stepsLeft);
  const reader = new Reader(bytes, header);
  const parts: Uint8Array[] = [bytes.subarray(0, header)];
  let counter = -1;
  while (!reader.done) {
    const id = reader.byte();
    let section = reader.take(reader.number());
    // Names and notes, which tell of code as it was.
    if (id === 0) continue;
    if (id === globals) {
      const added = withOneMore(section, [i32, 0x01, 0x41, ...lengthOf(toStart), 0x0b]);
      [counter, section] = [added.count, added.bytes];
    } else if (id === exported) {
      section = withOneMore(section, [name.length, ...name, 0x03, ...lengthOf(counter)]).bytes;
    } else if (id === code) section = metered(section, counter);
    if (id >= exported && counter < 0)
      throw new BundleError('wasm-invalid', 'policy.wasm has no variables, as no policy');
    parts.push(Buffer.from([id, ...lengthOf(section.length)]), section);
  }
  return new WebAssembly.Module(Buffer.concat(parts));
}
