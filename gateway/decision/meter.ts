import { sha256 } from '../../bundle/format/digest.ts';
import { meterWasm } from '../../bundle/policy/meterWasm.ts';

/** A compiled policy, metered, and `sha256:HEX` of the bytes it was made of. */
export type Metered = { policy: string; wasm: WebAssembly.Module };

/** Meters a compiled policy. Throws BundleError `wasm-invalid`. */
export type Meter = (wasm: Buffer) => Metered;

/** The last one is kept for as long as the rules stay the same: merges mostly change grants. */
export function createMeter(): Meter {
  let kept: Metered | null = null;
  return (wasm) => {
    const policy = `sha256:${sha256(wasm)}`;
    if (kept?.policy !== policy) kept = { policy, wasm: meterWasm(wasm) };
    return kept;
  };
}
