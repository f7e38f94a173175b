import type { IncomingMessage } from 'node:http';
import { Transform } from 'node:stream';
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
 * no further byte of it is read.
 */
export function limitBody(request: IncomingMessage, most: number): Transform {
  let size = 0;
  const body = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      size += chunk.length;
      if (size > most) done(bodyTooLarge());
      else done(null, chunk);
    },
  });
  // Whoever takes it listens too; but it may fail before anybody does.
  body.on('error', () => undefined);
  // Not `pipeline`: it would destroy the request, and with it the connection that the answer has to take.
  body.once('close', () => {
    request.unpipe(body);
    request.pause();
  });
  request.once('close', () => {
    if (!request.complete) body.destroy(new Error('the body did not come whole'));
  });
  return request.pipe(body);
}
