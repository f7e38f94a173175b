import type { IncomingMessage, ServerResponse } from 'node:http';

/** However long a client would wait: a proxy in between gives up sooner or later. */
const longestSeconds = 300;

/** How long a request may be held, in seconds, by its `Prefer` (RFC 7240, as OPA writes it); 0 when it must not be. */
export function waitOf({ headers }: IncomingMessage): number {
  const [, seconds] = /(?:^|[;,\s])wait=([0-9]{1,6})(?:$|[;,\s])/i.exec(String(headers.prefer ?? '')) ?? [];
  return Math.min(Number(seconds ?? 0), longestSeconds);
}

/** Whether `If-None-Match` names this entity tag; weak ones do too, for bytes are all we compare (RFC 9110, 13.1.2). */
export function hasTag({ headers }: IncomingMessage, etag: string): boolean {
  const tags = String(headers['if-none-match'] ?? '').split(',');
  return tags.some((tag) => tag.trim() === '*' || tag.trim().replace(/^W\//, '') === etag);
}

export type Waiting = {
  /** How many requests are held. */
  readonly size: number;
  /** Holds a request: settles at news, when the time is up, and when the caller has gone. */
  hold(response: ServerResponse, seconds: number): Promise<void>;
  /** Lets all of them go on. */
  wake(): void;
};

export function createWaiting(): Waiting {
  const held = new Set<() => void>();
  return {
    get size() {
      return held.size;
    },
    hold: (response, seconds) =>
      new Promise((done) => {
        const end = () => {
          held.delete(end);
          clearTimeout(timer);
          response.off('close', end);
          done();
        };
        const timer = setTimeout(end, seconds * 1000);
        response.once('close', end);
        held.add(end);
      }),
    wake() {
      for (const end of [...held]) end();
    },
  };
}
