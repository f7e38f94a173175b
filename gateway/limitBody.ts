import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import type { Admission } from './admit.ts';
import { Refusal } from './refusal.ts';

export const bodyTooLarge = () => new Refusal(413, 'body-too-large', 'The body is too large.');

/** The most bytes that the body of a request to an API may have; `otherwise` where the API says nothing. */
export const mostBytes = (
  { apis }: Pick<Admission['enforcement']['snapshot'], 'apis'>,
  api: string,
  otherwise: number,
): number => apis.get(api)?.body ?? otherwise;

/**
 * The body of a request whose length nobody told. When it grows over `most` bytes it ends with a Refusal (413), and
 * no further byte of it is read. Not a Transform behind a pipe: that costs a large upload a tenth of its speed.
 */
export function limitBody(request: IncomingMessage, most: number): Readable {
  let size = 0;
  const onData = (chunk: Buffer) => {
    size += chunk.length;
    if (size > most) body.destroy(bodyTooLarge());
    else if (!body.push(chunk)) request.pause();
  };
  const onEnd = () => body.push(null);
  const onClose = () => {
    if (!request.complete) body.destroy(new Error('the body did not come whole'));
  };
  const body = new Readable({
    read: () => request.resume(),
    // The request must not be destroyed with it, nor the connection that the answer has to take.
    destroy(error, done) {
      request.off('data', onData).off('end', onEnd).off('close', onClose).pause();
      done(error);
    },
  });
  // Whoever takes it listens too; but it may fail before anybody does.
  body.on('error', () => undefined);
  request.on('data', onData).once('end', onEnd).once('close', onClose);
  return body;
}
