import { createHash } from 'node:crypto';
import type { Bundle } from '../bundle/assemble.ts';
import { checkPolicy } from './checkPolicy.ts';
import { indexLines, openIndex } from './lineIndex.ts';
import { createSlices } from './slices.ts';
import { type PostedSnapshot, readHead } from './snapshot.ts';

/** Makes a bundle ready to serve: index, compiled and tried policy. Throws HeadError, PolicyError. */
export type Prepare = (bundle: Bundle) => PostedSnapshot;

/** A module compiled once is kept for as long as the rules stay the same: merges mostly change grants. */
export function createPrepare(): Prepare {
  let kept: { policy: string; wasm: WebAssembly.Module } | null = null;
  return (bundle) => {
    const lines = indexLines(bundle.data, bundle.lines);
    const head = readHead(lines);
    const policy = `sha256:${createHash('sha256').update(bundle.wasm).digest('hex')}`;
    const wasm = kept?.policy === policy ? kept.wasm : new WebAssembly.Module(new Uint8Array(bundle.wasm));
    const [api, entry] = head.apis.entries().next().value ?? ['none', undefined];
    const question = {
      subject: 'user:nobody',
      groups: [],
      api,
      operation: Object.keys(entry?.operations ?? {})[0] ?? 'none',
      method: 'GET',
      path: '/',
      networks: [],
      mfa: false,
      time: 0,
    };
    const slices = createSlices({ lines: openIndex(lines) });
    checkPolicy(wasm, question, slices.slice(api, question.subject, question.groups));
    kept = { policy, wasm };
    const { revision, counter, committedAt, digest, grants } = bundle;
    return { revision, counter, committedAt, digest, grants, ...head, wasm, policy, lines };
  };
}
