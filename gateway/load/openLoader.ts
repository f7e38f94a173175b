import type { MessagePort } from 'node:worker_threads';
import { pack } from '../../bundle/archive/pack.ts';
import { limitsOf, readVerifyKeys, verify } from '../../bundle/archive/verify.ts';
import { evaluateWasm } from '../decision/evaluator.ts';
import { createMeter } from '../decision/meter.ts';
import { createPrepare } from '../decision/prepare.ts';
import { countRemoved } from '../revision/countRemoved.ts';
import type { Floor } from '../revision/floor.ts';
import { openSource, type SourceConfig } from '../source/openSource.ts';
import { openFloorFile } from './floorFile.ts';
import { assertKept, confirmLastGood, isKept, readLastGood, saveLastGood } from './lastGood.ts';
import { lastGoodName } from './lastGoodName.ts';
import type { PostedError } from './loadError.ts';
import type { LoaderMessage } from './loaderMessage.ts';
import { startLoadLoop } from './loadLoop.ts';

/** What the serving thread hands to the loader when it starts it. */
export type LoaderData = { source: SourceConfig; pollMs: number; holdShare: number; floor: Floor | null };

/** What the serving thread says to the loader. */
export type LoaderRequest =
  | { kind: 'look'; id: number; force: boolean }
  | { kind: 'verdict'; seq: number; refusal: PostedError | null }
  | { kind: 'close' };

/** Its exact age does not matter; a write at each look would. */
const confirmEveryMs = 60_000;

/** Loads what the source has, and tells whoever is at the other end of the port, until that says `close`. */
export function openLoader(
  port: MessagePort,
  { source: config, pollMs, holdShare, floor }: LoaderData,
): void {
  const post = (message: LoaderMessage) => port.postMessage(message);
  /** What was compiled here is asked before it is prepared. */
  const meter = createMeter();
  const source = openSource(config, {
    evaluator: (wasm) => evaluateWasm(wasm, meter(wasm).wasm),
    progress: (line) => post({ kind: 'note', code: 'opa', message: line }),
  });

  let confirmedAtMs = Number.NEGATIVE_INFINITY;
  const keptUnder = lastGoodName(source, config);

  const loop = startLoadLoop({
    source,
    prepare: createPrepare(meter),
    removed: (before, after) => countRemoved(before.lines, after.lines),
    holdShare,
    floorFile: openFloorFile(config.stateFolder, keptUnder),
    floor,
    pollMs,
    post,
    async lastGood() {
      const kept = await readLastGood(config.stateFolder, keptUnder);
      if (kept === null) return null;
      // Signed archives prove themselves again, by the keys configured now. What came from Git was packed here.
      const keys =
        source.kind === 'git' || config.verifyKeyPem === undefined
          ? null
          : readVerifyKeys(config.verifyKeyPem);
      if (source.kind !== 'git' && keys === null) return null;
      const ageMs = Date.now() - kept.confirmedMs;
      // A clock that was set back tells nothing about how old it is.
      const { maxBytes } = config;
      const bundle = await verify(
        kept.archive,
        keys,
        maxBytes === undefined ? undefined : limitsOf(maxBytes),
      );
      assertKept(kept, bundle);
      return { bundle, confirmedMsAgo: ageMs < 0 ? null : ageMs };
    },
    async keep({ found: { bundle, archive }, force, again }) {
      if (again && archive !== null && (await isKept(config.stateFolder, keptUnder, archive)))
        return confirmLastGood(config.stateFolder, keptUnder, bundle);
      const { counter, rollback } = bundle;
      const kept = { archive: archive ?? (await pack(bundle, null)), counter, ...(rollback && { rollback }) };
      await saveLastGood(config.stateFolder, keptUnder, kept, force);
    },
    async confirm(release) {
      const nowMs = performance.now();
      if (nowMs - confirmedAtMs < confirmEveryMs) return;
      await confirmLastGood(config.stateFolder, keptUnder, release);
      confirmedAtMs = nowMs;
    },
  });

  port.on('message', (request: LoaderRequest) => {
    if (request.kind === 'look') loop.look(request.id, request.force);
    else if (request.kind === 'verdict') loop.verdict(request.seq, request.refusal);
    else loop.close().finally(() => port.close());
  });
}
