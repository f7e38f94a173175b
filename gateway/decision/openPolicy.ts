// Sharp edges of @open-policy-agent/opa-wasm 1.10, kept behind this file and held by test/gateway/decision/evaluator.test.ts:
// it throws strings and plain objects; each throw loses stack inside the module. It puts a module together with its
// built-ins; what is asked is put to the module here, as it would (ABI 1.2), but for what that costs: it copies each text
// twice, and looks for an answer's end byte by byte.
import { createRequire } from 'node:module';
import { stepsLeft } from '../../bundle/policy/meterWasm.ts';

// Its ESM entry hides `loadPolicySync`, which its types announce: the CommonJS entry has it.
const opa = createRequire(import.meta.url)(
  '@open-policy-agent/opa-wasm',
) as typeof import('@open-policy-agent/opa-wasm');

/** A module with memory of its own. After anything it throws it must not be asked again. */
export type Policy = {
  /** The steps that are left to it; null where it is not metered, and so not bounded. */
  readonly counter: WebAssembly.Global | null;
  /** How much memory it has grown to; it never shrinks. */
  bytes(): number;
  /** A JSON value, or JSON text in an ArrayBuffer. */
  setData(data: unknown): void;
  /** The set of its answers to a JSON value, or to JSON text in an ArrayBuffer. */
  evaluate(input: unknown): unknown;
};

/** What is called of a module; addresses and lengths are in bytes of its memory. */
type Module = {
  opa_malloc(length: number): number;
  opa_json_parse(at: number, length: number): number;
  opa_heap_ptr_get(): number;
  opa_heap_ptr_set(at: number): void;
  /** The answer's address: JSON text that ends with a zero. */
  opa_eval(
    ...of: [
      reserved: 0,
      entrypoint: number,
      data: number,
      input: number,
      length: number,
      heap: number,
      json: 0,
    ]
  ): number;
};
const called = ['opa_malloc', 'opa_json_parse', 'opa_heap_ptr_get', 'opa_heap_ptr_set', 'opa_eval'];
const isPolicy = (exports: WebAssembly.Exports): exports is WebAssembly.Exports & Module =>
  called.every((name) => typeof exports[name] === 'function');

const pageBytes = 64 * 1024;

/** Opens a compiled policy. Throws whatever it likes for what is none, or lacks the entrypoint. */
export function openPolicy(
  module: WebAssembly.Module,
  entrypoint: string,
  memory: { initial: number; maximum: number },
): Policy {
  const policy = opa.loadPolicySync(module, { ...memory });
  const number = Object.entries(policy.entrypoints).find(([name]) => name === entrypoint)?.[1];
  if (typeof number !== 'number') throw new Error(`no entrypoint ${entrypoint}`);
  const instance = 'wasmInstance' in policy ? policy.wasmInstance : null;
  const room = 'mem' in policy ? policy.mem : null;
  if (!(instance instanceof WebAssembly.Instance) || !(room instanceof WebAssembly.Memory))
    throw new Error('opa-wasm is another one');
  const { exports } = instance;
  if (!isPolicy(exports)) throw new Error('the module is written by an OPA before 0.35');
  const counter = exports[stepsLeft];

  let view = Buffer.from(room.buffer);
  /** The memory as it is now: when it has grown, it is another one. */
  const bytes = (): Buffer => {
    if (view.buffer !== room.buffer) view = Buffer.from(room.buffer);
    return view;
  };
  const base = exports.opa_heap_ptr_get();
  let [data, heap] = [0, base];
  return {
    counter: counter instanceof WebAssembly.Global ? counter : null,
    bytes: () => room.buffer.byteLength,
    setData(value) {
      const text = value instanceof ArrayBuffer ? new Uint8Array(value) : Buffer.from(JSON.stringify(value));
      exports.opa_heap_ptr_set(base);
      const at = exports.opa_malloc(text.length);
      bytes().set(text, at);
      data = exports.opa_json_parse(at, text.length);
      if (data === 0) throw new Error('the data is no JSON');
      heap = exports.opa_heap_ptr_get();
    },
    evaluate(input) {
      const text = input instanceof ArrayBuffer ? Buffer.from(input) : JSON.stringify(input);
      // A letter takes three bytes at most.
      const most = typeof text === 'string' ? 3 * text.length : text.length;
      const missing = heap + most - room.buffer.byteLength;
      if (missing > 0) room.grow(Math.ceil(missing / pageBytes));
      const length = typeof text === 'string' ? bytes().write(text, heap) : text.copy(bytes(), heap);
      const at = exports.opa_eval(0, number, data, heap, length, heap + length, 0);
      const answer = bytes();
      return JSON.parse(answer.toString('utf8', at, answer.indexOf(0, at)));
    },
  };
}
