import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { Refusal } from '../http/refusal.ts';
import { bodyTooLarge } from '../limits/bodyLimit.ts';

/** Bytes that the framing of chunks may take beside twice the body itself. */
const framing = 256 * 1024;

const absurd = () => new Refusal(400, 'chunks-too-small', 'The body comes in chunks that are too small.');

/**
 * The body of a request on its way to the upstream. Chunks that came together go on as one: a write for each byte would
 * cost us far more than the caller. A stream of its own, as undici destroys what it was sending once the upstream has
 * answered; the caller's connection must be read on then, or be closed. It ends with Refusal 413 when the body grows
 * over `most` bytes, and 400 when its framing is nearly all there is.
 */
export class CallerBody extends Readable {
  readonly #request: IncomingMessage;
  readonly #most: number;
  readonly #begun: number;
  #size = 0;
  #wanted = false;

  constructor(request: IncomingMessage, most: number) {
    // A piece at a time: what waits, waits at the caller's.
    super({ highWaterMark: 1 });
    this.#request = request;
    this.#most = most;
    this.#begun = request.socket.bytesRead;
    request.on('readable', this.#onReadable);
    request.once('end', this.#onEnd);
    request.once('error', this.#onError);
    request.once('close', this.#onClose);
  }

  override _read(): void {
    this.#wanted = true;
    this.#take();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    const request = this.#request;
    request.off('readable', this.#onReadable);
    request.off('end', this.#onEnd);
    request.off('close', this.#onClose);
    // Whoever reads on drops it.
    if (!request.readableEnded && !request.destroyed) request.resume();
    done(error);
  }

  #take(): void {
    if (!this.#wanted || this.destroyed) return;
    const chunk: Buffer | null = this.#request.read();
    if (chunk === null) return;
    this.#size += chunk.length;
    const { bytesRead } = this.#request.socket;
    if (this.#size > this.#most) this.destroy(bodyTooLarge());
    else if (bytesRead - this.#begun > framing + 3 * this.#size) this.destroy(absurd());
    else {
      this.#wanted = false;
      this.push(chunk);
    }
  }

  readonly #onReadable = (): void => this.#take();
  readonly #onEnd = (): void => void this.push(null);
  readonly #onError = (error: Error): void => void this.destroy(error);
  readonly #onClose = (): void => {
    if (!this.#request.readableEnded) this.destroy(new Error('the body did not come whole'));
  };
}
