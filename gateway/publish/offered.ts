import { createHash } from 'node:crypto';
import type { Logger } from 'pino';
import type { Form, Published } from './bundleServer.ts';
import type { Signed } from './compiler.ts';
import { createWaiting, type Waiting } from './longPoll.ts';

/** The newest bundle in each form, and those who wait for the next one. */
export type Offered = {
  of: (form: Form) => Published | null;
  waiting: Readonly<Record<Form, Waiting>>;
  /** Puts a bundle in the place of the one before, and wakes whoever waits. */
  take: (signed: Signed) => void;
  /** Settles when the next bundle has been taken. */
  next: () => Promise<void>;
  /** How many bundles were taken; the forms of one count once. */
  readonly count: number;
};

/** Nothing is offered yet. `now`: milliseconds since 1970. */
export function createOffered(log: Pick<Logger, 'info'>, now: () => number): Offered {
  const published: Record<Form, Published | null> = { wasm: null, rego: null };
  const waiting = { wasm: createWaiting(), rego: createWaiting() };
  let news = Promise.withResolvers<void>();
  let count = 0;
  return {
    of: (form) => published[form],
    waiting,
    take({ kind: _, form, archive: bytes, ...facts }) {
      const archive = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      const etag = `"${createHash('sha256').update(archive).digest('hex')}"`;
      published[form] = { ...facts, archive, etag, loadedMs: now() };
      const facing = waiting[form].size;
      log.info({ form, revision: facts.revision, bytes: archive.length, waiting: facing }, 'published');
      waiting[form].wake();
      if (form !== 'wasm') return;
      count += 1;
      news.resolve();
      news = Promise.withResolvers();
    },
    next: () => news.promise,
    get count() {
      return count;
    },
  };
}
