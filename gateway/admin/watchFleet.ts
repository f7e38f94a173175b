import { setTimeout as sleep } from 'node:timers/promises';
import { askRevision, type RevisionAnswer } from './askRevision.ts';
import { type FleetStatus, fleetStatus, type WantedRevision } from './fleetStatus.ts';

type Options = {
  /** Addresses of admin listeners. */
  urls: readonly string[];
  /** Bearer token of their admin listeners; null for none. */
  token: string | null;
  /** What they should enforce, given what they said; null for the newest among them. */
  wanted: (answers: readonly RevisionAnswer[]) => Promise<WantedRevision | null>;
  /** How long to go on asking until all enforce it; 0 asks once. */
  waitMs: number;
  /** Hears of each round that was not the last. */
  onWaiting: (status: FleetStatus) => Promise<void>;
  pauseMs?: number;
};

/** One gateway may take this long to answer. */
const askMs = 5000;

/** Asks a fleet until every gateway enforces a revision or the time is up; answers how it stands then. */
export async function watchFleet(options: Options): Promise<FleetStatus> {
  const { urls, token, wanted, waitMs, onWaiting, pauseMs = 500 } = options;
  const endMs = performance.now() + waitMs;
  for (;;) {
    const answers = await Promise.all(urls.map((url) => askRevision(url, { token, timeoutMs: askMs })));
    const status = fleetStatus(answers, await wanted(answers));
    const leftMs = endMs - performance.now();
    if (status.enforced || leftMs <= 0) return status;
    await onWaiting(status);
    await sleep(Math.max(0, Math.min(pauseMs, endMs - performance.now())));
  }
}
