import type { Snapshot } from '../snapshot.ts';

/** With the compiled policy, for gateways; or without, for OPA servers that have no WASM engine. */
export type Form = 'wasm' | 'rego';

/** The signed bundle that everybody gets. */
export type Published = Pick<Snapshot, 'revision' | 'counter' | 'digest' | 'grants' | 'committedAt'> & {
  archive: Buffer;
  /** The archive's hash: the same commit and key give the same one, also after a restart. */
  etag: string;
  /** When it was first shown here, milliseconds since 1970. */
  loadedAt: number;
};
