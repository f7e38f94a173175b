import type { Bundle } from '../../bundle/archive/bundle.ts';
import { termsOf } from '../../bundle/archive/release.ts';
import { deltaOf } from '../revision/lineDelta.ts';
import { indexLines, openIndex, type SharedLines } from '../revision/lineIndex.ts';
import { createSlices } from '../revision/slices.ts';
import { type PostedSnapshot, readHead } from '../revision/snapshot.ts';
import { checkGolden } from './checkGolden.ts';
import { checkPolicy } from './checkPolicy.ts';
import { createDecider } from './decider.ts';
import { createMeter } from './meter.ts';

/**
 * Makes a bundle ready to serve after the one in force: index, compiled and tried policy. Throws HeadError, PolicyError,
 * GoldenError.
 */
export type Prepare = (bundle: Bundle, inForce?: InForce | null) => PostedSnapshot;

type InForce = Pick<PostedSnapshot, 'revision' | 'digest' | 'lines'>;

/** `meter` is that of whoever had a policy answer before it comes here. */
export function createPrepare(meter = createMeter()): Prepare {
  return (bundle, inForce = null) => {
    const lines = indexLines(bundle.data, bundle.lines);
    const head = readHead(lines);
    const { policy, wasm } = meter(bundle.wasm);
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
