import { createHash } from 'node:crypto';
import type { Bundle } from '../../bundle/archive/bundle.ts';
import { termsOf } from '../../bundle/archive/release.ts';
import { meterWasm } from '../../bundle/policy/meterWasm.ts';
import { deltaOf } from '../revision/lineDelta.ts';
import { indexLines, openIndex, type SharedLines } from '../revision/lineIndex.ts';
import { createSlices } from '../revision/slices.ts';
import { type PostedSnapshot, readHead } from '../revision/snapshot.ts';
import { checkGolden } from './checkGolden.ts';
import { checkPolicy } from './checkPolicy.ts';
import { createDecider } from './decider.ts';

/**
 * Makes a bundle ready to serve after the one in force: index, compiled and tried policy. Throws HeadError, PolicyError,
 * GoldenError.
 */
export type Prepare = (bundle: Bundle, inForce?: InForce | null) => PostedSnapshot;

type InForce = Pick<PostedSnapshot, 'revision' | 'digest' | 'lines'>;

/** A module compiled once is kept for as long as the rules stay the same: merges mostly change grants. */
export function createPrepare(): Prepare {
  let kept: { policy: string; wasm: WebAssembly.Module } | null = null;
  return (bundle, inForce = null) => {
    const lines = indexLines(bundle.data, bundle.lines);
    const head = readHead(lines);
    const policy = `sha256:${createHash('sha256').update(bundle.wasm).digest('hex')}`;
    const wasm = kept?.policy === policy ? kept.wasm : meterWasm(bundle.wasm);
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
    const slices = createSlices({ lines: openIndex(lines), reads: bundle.reads });
    checkPolicy(wasm, question, slices.given(slices.cut(api, question.subject, question.groups), question));
    if (bundle.golden !== undefined)
      checkGolden(
        bundle.golden,
        head.apis,
        createDecider({ apis: head.apis, reads: bundle.reads, wasm }, slices).decide,
      );
    kept = { policy, wasm };
    const { revision, counter, committedAt, digest, grants, reads } = bundle;
    const facts = { revision, counter, committedAt, digest, grants, reads, ...termsOf(bundle) };
    return { ...facts, ...head, wasm, policy, lines, before: beforeOf(inForce, lines) };
  };
}

/** What of the snapshot in force must be kept to go on knowing what it would have said. */
function beforeOf(inForce: InForce | null, lines: SharedLines): PostedSnapshot['before'] {
  if (inForce === null) return null;
  const delta = deltaOf(inForce.lines, lines);
  return delta && { revision: inForce.revision, digest: inForce.digest, delta };
}
