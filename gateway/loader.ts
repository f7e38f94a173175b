// The loader thread: everything about a new bundle that takes time happens here, never beside requests.
import { parentPort, workerData } from 'node:worker_threads';
import { pack } from '../bundle/pack.ts';
import { readVerifyKey, verify } from '../bundle/verify.ts';
import { readLastGood, saveLastGood } from './lastGood.ts';
import type { PostedError } from './loadError.ts';
import { type Floor, type LoaderMessage, startLoadLoop } from './loadLoop.ts';
import { createPrepare } from './prepare.ts';
import { openSource, type SourceConfig } from './source/openSource.ts';

/** What the serving thread hands to the loader when it starts it. */
export type LoaderData = { source: SourceConfig; pollMs: number; floor: Floor | null };

/** What the serving thread says to the loader. */
export type LoaderRequest =
  | { kind: 'poke'; id: number; force: boolean }
  | { kind: 'verdict'; seq: number; refusal: PostedError | null }
  | { kind: 'close' };

const port = parentPort;
if (port === null) throw new Error('loader.ts runs as a worker thread');
const { source: config, pollMs, floor } = workerData as LoaderData;
const post = (message: LoaderMessage) => port.postMessage(message);
const source = openSource(config, (line) => post({ kind: 'note', code: 'opa', message: line }));

// What was kept before signers were demanded was never held to them: it counts as another source's.
const keptAs = config.allowedSigners === undefined ? source.name : `${source.name} (signed commits)`;

const loop = startLoadLoop({
  source,
  prepare: createPrepare(),
  floor,
  pollMs,
  post,
  async lastGood() {
    const kept = await readLastGood(config.stateFolder, keptAs);
    if (kept === null) return null;
    // Signed archives prove themselves again, by the key configured now. What came from Git was packed here.
    const key =
      source.kind === 'git' || config.verifyKeyPem === undefined ? null : readVerifyKey(config.verifyKeyPem);
    if (source.kind !== 'git' && key === null) return null;
    return verify(kept.archive, key);
  },
  async keep({ bundle, archive }) {
    await saveLastGood(config.stateFolder, keptAs, {
      archive: archive ?? (await pack(bundle, null)),
      counter: bundle.counter,
    });
  },
});

port.on('message', (request: LoaderRequest) => {
  if (request.kind === 'poke') loop.poke(request.id, request.force);
  else if (request.kind === 'verdict') loop.verdict(request.seq, request.refusal);
  else loop.close().finally(() => port.close());
});
