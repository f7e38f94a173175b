import { join } from 'node:path';
import type { Logger } from 'pino';
import { type GatewayConfig, readSecret } from '../config/config.ts';
import { readSourceAccess, readVerifyKeyTexts } from '../config/readSource.ts';
import type { Carrier, Decided } from '../decision/admission.ts';
import { enforce } from '../decision/enforcement.ts';
import { type ReloadOptions, startReload } from '../load/reload.ts';
import type { ReloadStatus } from '../load/reloadStatus.ts';
import { createCompare } from './compare.ts';
import type { ShadowResult } from './decideAgain.ts';

/** A second bundle that decides the same requests afterwards, and whose word never counts. */
export type Shadow = {
  /** Takes note of a decision; it is compared when the answer is over. */
  offer: (decided: Decided, carrier: Carrier | undefined) => void;
  status: () => ReloadStatus;
  /** Looks at the source now; settles when it has, well or not. */
  look: () => Promise<void>;
  close: () => Promise<void>;
};

type Options = {
  settings: ReturnType<typeof readShadow>;
  metrics: {
    shadowed: (api: string, operation: string, result: ShadowResult) => void;
    shadowDropped: () => void;
  };
  startLoader?: ReloadOptions['startWorker'];
  log: Logger;
  now: () => number;
};

/** All that it depends on, secrets included; null when none is configured. Throws ConfigError when a secret is missing. */
export function readShadow(
  { bundle, state }: Pick<GatewayConfig, 'bundle' | 'state'>,
  env: NodeJS.ProcessEnv,
) {
  const { shadow } = bundle;
  if (shadow === undefined) return null;
  const verifyKeyPem = readVerifyKeyTexts(shadow, env);
  return {
    source: {
      url: shadow.source,
      stateFolder: join(state, 'shadow'),
      ...(verifyKeyPem === undefined ? {} : { verifyKeyPem }),
      ...(shadow.token === undefined ? {} : { token: readSecret(shadow.token, env) }),
      redirectOrigins: bundle.redirect_origins,
      ...readSourceAccess(shadow, env),
    },
    pollMs: shadow.poll ?? bundle.poll,
    sample: shadow.sample,
  };
}

/** Null when none is configured. Throws what {@link startReload} throws. */
export function startShadow({ settings, metrics, startLoader, log: parent, now }: Options): Shadow | null {
  if (settings === null) return null;
  const { source, pollMs, sample } = settings;
  const log = parent.child({ bundle: 'shadow' });
  const compare = createCompare({
    onResult: metrics.shadowed,
    onDropped: metrics.shadowDropped,
    log,
    now,
    sample,
  });
  const reload = startReload({
    source,
    pollMs,
    // Its word never counts, so nothing it takes away has to wait.
    holdShare: 1,
    onSwap: (snapshot) => compare.use(enforce(snapshot, null)),
    startWorker: startLoader,
    log,
    now,
  });
  return {
    offer: compare.offer,
    status: reload.status,
    look: () =>
      reload.look().then(
        () => undefined,
        () => undefined,
      ),
    close: () => reload.close(),
  };
}
