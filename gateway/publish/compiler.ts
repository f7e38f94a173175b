// The thread that compiles and signs, so that whoever waits for a bundle can be answered meanwhile.
import { parentPort, workerData } from 'node:worker_threads';
import type { Bundle } from '../../bundle/archive/bundle.ts';
import { readVerifyKeys } from '../../bundle/archive/keys.ts';
import { pack } from '../../bundle/archive/pack.ts';
import { packRego } from '../../bundle/archive/packRego.ts';
import { readSigningKey } from '../../bundle/archive/readSigningKey.ts';
import { verify } from '../../bundle/archive/verify.ts';
import { evaluateWasm } from '../decision/evaluator.ts';
import { createMeter } from '../decision/meter.ts';
import { createPrepare } from '../decision/prepare.ts';
import { readLastGood, saveLastGood } from '../load/lastGood.ts';
import { lastGoodName } from '../load/lastGoodName.ts';
import type { LoaderMessage } from '../load/loaderMessage.ts';
import { startLoadLoop } from '../load/loadLoop.ts';
import type { LoaderData, LoaderRequest } from '../load/openLoader.ts';
import { openSource } from '../source/openSource.ts';
import type { Form } from './bundleServer.ts';

export type CompilerData = LoaderData & { signingKeyPem: string; signingKeyId: string | undefined };

/** What it says beside what a loader says: this is the bundle to hand out from now on. */
export type Signed = { kind: 'signed'; form: Form; archive: Uint8Array } & Pick<
  Bundle,
  'revision' | 'counter' | 'digest' | 'grants' | 'committedAt'
>;

const port = parentPort;
if (port === null) throw new Error('compiler.ts runs as a worker thread');
const { source: config, pollMs, floor, signingKeyPem, signingKeyId } = workerData as CompilerData;
const post = (message: LoaderMessage | Signed) => port.postMessage(message);
/** What was compiled here is asked before it is prepared. */
const meter = createMeter();
const source = openSource(config, {
  evaluator: (wasm) => evaluateWasm(wasm, meter(wasm).wasm),
  progress: (line) => post({ kind: 'note', code: 'opa', message: line }),
});
const key = readSigningKey(signingKeyPem, signingKeyId);
const keptUnder = lastGoodName(source, config);

/** Shows a bundle in both forms, gateways' first. */
async function show(bundle: Bundle, archive: Buffer): Promise<void> {
  const { revision, counter, digest, grants, committedAt } = bundle;
  const facts = { kind: 'signed', revision, counter, digest, grants, committedAt } as const;
  post({ ...facts, form: 'wasm', archive });
  post({ ...facts, form: 'rego', archive: await packRego(bundle, key) });
}
/** Shows the kept bundle, once it was taken. */
let showKept: (() => Promise<void>) | null = null;

const loop = startLoadLoop({
  source,
  prepare: createPrepare(meter),
  // Those who enforce it hold what takes too much away; held here too, it would have to be released three times.
  removed: () => 0,
  holdShare: 1,
  floor,
  pollMs,
  post,
  async lastGood() {
    const kept = await readLastGood(config.stateFolder, keptUnder);
    if (kept === null) return null;
    // With another key configured since, or another name of it, it is no bundle of ours any more.
    const bundle = await verify(kept.archive, readVerifyKeys({ [key.keyid]: signingKeyPem }));
    showKept = () => show(bundle, kept.archive);
    return { bundle, confirmedMsAgo: null };
  },
  // Nobody is decided by it here, so its age does not matter.
  confirm: async () => {},
  async keep({ found: { bundle }, force }) {
    const archive = await pack(bundle, key);
    await show(bundle, archive);
    await saveLastGood(config.stateFolder, keptUnder, { archive, counter: bundle.counter }, force);
  },
});

port.on('message', (request: LoaderRequest) => {
  if (request.kind === 'look') loop.look(request.id, request.force);
  else if (request.kind === 'verdict') {
    if (request.refusal === null) void showKept?.();
    showKept = null;
    loop.verdict(request.seq, request.refusal);
  } else loop.close().finally(() => port.close());
});
