import type { IncomingMessage } from 'node:http';
import { Refusal } from '../http/refusal.ts';
import type { Snapshot } from '../revision/snapshot.ts';

export const bodyTooLarge = () => new Refusal(413, 'body-too-large', 'The body is too large.');

/** The most bytes that the body of a request to an API may have; `otherwise` where the API says nothing. */
export const mostBytes = ({ apis }: Pick<Snapshot, 'apis'>, api: string, otherwise: number): number =>
  apis.get(api)?.body ?? otherwise;

/**
 * Watches the body of a request whose length nobody told, and calls `exceeded` when it has grown over `most` bytes. To
 * be called just before the body is sent on: the part that is too much is seen here first.
 */
export function limitBody(request: IncomingMessage, most: number, exceeded: () => void): void {
  let size = 0;
  const onData = (chunk: Buffer) => {
    size += chunk.length;
    if (size <= most) return;
    request.off('data', onData);
    exceeded();
  };
  request.on('data', onData);
}
