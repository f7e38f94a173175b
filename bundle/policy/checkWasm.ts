import { readFileSync } from 'node:fs';
import { BundleError } from '../bundleError.ts';
import { messageOf } from '../format/messageOf.ts';
import { meterWasm } from './meterWasm.ts';
import { capabilitiesFile } from './policies.ts';

const functions = ['opa_abort', 'opa_println', ...[0, 1, 2, 3, 4].map((arity) => `opa_builtin${arity}`)];
const needed: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    [
      'builtins',
      'entrypoints',
      'eval',
      'opa_eval_ctx_new',
      'opa_eval_ctx_set_input',
      'opa_eval_ctx_set_data',
      'opa_eval_ctx_set_entrypoint',
      'opa_eval_ctx_get_result',
      'opa_heap_ptr_get',
      'opa_heap_ptr_set',
      'opa_json_dump',
      'opa_json_parse',
      'opa_malloc',
    ].map((name) => [name, 'function']),
  ),
  opa_wasm_abi_version: 'global',
};

/** The built-ins the gateway's runtime has. */
function provided(): ReadonlySet<string> {
  const { builtins } = JSON.parse(readFileSync(capabilitiesFile, 'utf8')) as { builtins: { name: string }[] };
  return new Set(builtins.map(({ name }) => name));
}

/** Lets the module tell its own tables: entrypoint → number, and built-ins it needs the host for. */
function tablesOf(module: WebAssembly.Module): { abi: unknown; entrypoints: object; builtins: object } {
  const memory = new WebAssembly.Memory({ initial: 5, maximum: 512 });
  const refuse = () => {
    throw new Error('the module calls its host while it starts');
  };
  const env: Record<string, WebAssembly.ImportValue> = { memory };
  for (const name of functions) env[name] = refuse;
  const { exports } = new WebAssembly.Instance(module, { env });
  const call = (name: string, ...args: number[]) =>
    (exports[name] as (...values: number[]) => number)(...args);
  const table = (name: string): object => {
    const bytes = Buffer.from(memory.buffer);
    const start = call('opa_json_dump', call(name));
    const value: unknown = JSON.parse(bytes.toString('utf8', start, bytes.indexOf(0, start)));
    if (typeof value !== 'object' || value === null) throw new Error(`${name} answers no table`);
    return value;
  };
  return {
    abi: (exports.opa_wasm_abi_version as WebAssembly.Global).value,
    entrypoints: table('entrypoints'),
    builtins: table('builtins'),
  };
}

/**
 * Checks that a module is a compiled policy this gateway can run: imports and exports of OPA's ABI 1 and no others it
 * would need, exactly the one entrypoint, only built-ins that are there at request time. Throws BundleError `wasm-…`.
 */
export function checkWasm(bytes: Buffer, entrypoint: string): void {
  const fail = (message: string): never => {
    throw new BundleError('wasm-invalid', `policy.wasm ${message}`);
  };
  const inspect = () => {
    const module = new WebAssembly.Module(new Uint8Array(bytes));
    for (const { module: from, name, kind } of WebAssembly.Module.imports(module)) {
      const known = from === 'env' && (kind === 'function' ? functions.includes(name) : name === 'memory');
      if (!known) fail(`imports ${from}.${name}, which no policy needs`);
    }
    const exported = new Map(WebAssembly.Module.exports(module).map(({ name, kind }) => [name, kind]));
    for (const [name, kind] of Object.entries(needed))
      if (exported.get(name) !== kind) fail(`lacks the ${kind} ${name}`);
    // Metered, so that it must come to an end.
    return tablesOf(meterWasm(bytes));
  };
  let tables: ReturnType<typeof tablesOf>;
  try {
    tables = inspect();
  } catch (error) {
    if (error instanceof BundleError) throw error;
    const reason = messageOf(error);
    throw new BundleError('wasm-invalid', `policy.wasm is no compiled policy: ${reason}`, { cause: error });
  }
  if (tables.abi !== 1) fail(`has ABI version ${String(tables.abi)}, expected 1`);
  const entrypoints = Object.keys(tables.entrypoints);
  if (entrypoints.length !== 1 || entrypoints[0] !== entrypoint)
    throw new BundleError(
      'wasm-entrypoint',
      `policy.wasm answers ${entrypoints.join(', ') || 'nothing'}, expected ${entrypoint}`,
    );
  const known = provided();
  const missing = Object.keys(tables.builtins).filter((name) => !known.has(name));
  if (missing.length > 0)
    throw new BundleError(
      'wasm-builtin',
      `policy.wasm needs ${missing.join(', ')}, which the gateway does not have`,
    );
}
