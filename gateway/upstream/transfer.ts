// Sharp edges of undici 8: it strips no hop-by-hop headers of an answer; a body that dies upstream must destroy the
// client's response (an `end` would pass off half an answer as whole); the dispatcher calls back with 1xx responses too.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Dispatcher } from 'undici';
import errors from 'undici/lib/core/errors.js';
import type { IncomingHttpHeaders } from 'undici/types/header.d.ts';
import type { Admission } from '../decision/admission.ts';
import { sendProblem } from '../http/answer.ts';
import { hasBody } from '../http/body.ts';
import { AnswerError, detailOf } from '../http/fault.ts';
import { endWithAnswer } from '../http/linger.ts';
import { Refusal } from '../http/refusal.ts';
import { withCors } from '../request/cors.ts';
import { answerHeaders, answerTrailers } from './answerHeaders.ts';
import type { AnswerTimeout } from './answerTimeout.ts';
import type { FlushSoon } from './flushSoon.ts';
import { upstreamRefusal } from './upstreamRefusal.ts';

const isClosed = ({ code }: NodeJS.ErrnoException) =>
  code === 'UND_ERR_SOCKET' || code === 'ECONNRESET' || code === 'EPIPE';

type Options = {
  request: IncomingMessage;
  response: ServerResponse;
  admission: Admission;
  finish: (status: number, failure: Error | null) => void;
  /** Sends the request once more, unless that could do harm; says whether it has. Null where it always could. */
  again: (() => boolean) | null;
  /** Tells when an answer takes too long to begin; null where undici does. */
  answers: AnswerTimeout | null;
  /** What all transfers have in common. */
  shared: { flushSoon: FlushSoon; countStreamed: (bytes: number) => void };
};

/** Bytes; above, what one copy costs is no longer little beside one write less. */
const smallBody = 16 * 1024;

/** Passes one answer on, or tells the caller why there is none. */
export class Transfer implements Dispatcher.DispatchHandler {
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #admission: Admission;
  readonly #finish: (status: number, failure: Error | null) => void;
  readonly #shared: Options['shared'];
  readonly #answers: AnswerTimeout | null;
  #answered: (() => void) | null = null;
  #again: (() => boolean) | null;
  #controller: Dispatcher.DispatchController | null = null;
  #gone = false;
  #begun = false;
  #over = false;
  /** The first bytes of an answer, which came with its headers, until it is known whether they are all of it. */
  #held: Buffer | null = null;
  #mayHold = false;

  constructor({ request, response, admission, finish, again, answers, shared }: Options) {
    this.#request = request;
    this.#response = response;
    this.#admission = admission;
    this.#finish = finish;
    this.#again = again;
    this.#shared = shared;
    this.#answers = answers;
  }

  /** The client's side closed; when the answer was not complete, nobody waits for the upstream any more. */
  clientGone(): void {
    this.#gone = true;
    if (!this.#over) this.#controller?.abort(new Error('the client is gone'));
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#gone) {
      controller.abort(new Error('the client is gone'));
      return;
    }
    this.#answered = this.#answers?.await(() => controller.abort(new errors.HeadersTimeoutError())) ?? null;
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    headers: IncomingHttpHeaders,
  ): void {
    if (status < 200 && status >= 100) return;
    this.#answered?.();
    // Access ended meanwhile, and the caller has been told so.
    if (this.#response.headersSent) {
      controller.abort(new Error('the request is over'));
      return;
    }
    // Node would throw on 099; a status outside the registry's range is no answer.
    if (status < 100 || status > 599) throw new AnswerError('bad-answer', 'it answered an impossible status');
    if (!this.#request.complete && hasBody(this.#request)) endWithAnswer(this.#request, this.#response);
    this.#response.writeHead(status, answerHeaders(headers, this.#admission, status));
    this.#mayHold = headers['content-length'] !== undefined;
    this.#shared.flushSoon(this);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#mayHold && !this.#begun && chunk.length <= smallBody) this.#held = chunk;
    else {
      this.#release();
      this.#write(controller, chunk);
    }
    this.#begun = true;
  }

  /**
   * What came with the headers has all been taken. Headers of a stream that has no bytes yet must reach the client all
   * the same; where the first bytes came along, they go out together in one packet.
   */
  flush(): void {
    this.#mayHold = false;
    if (this.#response.destroyed) return;
    if (this.#over) this.#endWhole();
    else if (this.#begun) this.#release();
    else this.#response.flushHeaders();
  }

  #release(): void {
    const held = this.#held;
    this.#held = null;
    if (held !== null && this.#controller !== null) this.#write(this.#controller, held);
  }

  /** A piece of the request's body. */
  onBodySent(chunk: Uint8Array): void {
    this.#shared.countStreamed(chunk.byteLength);
  }

  #write(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#shared.countStreamed(chunk.length);
    if (this.#response.write(chunk)) return;
    controller.pause();
    this.#response.once('drain', () => controller.resume());
  }

  /** Headers and body leave in one piece of text: that costs the kernel and Node less than several buffers do. */
  #endWhole(): void {
    const body = this.#held;
    if (body === null) return;
    this.#held = null;
    const { socket } = this.#response;
    socket?.cork();
    this.#response.write(body.toString('latin1'), 'latin1');
    socket?.uncork();
    this.#response.end();
  }

  onResponseEnd(_controller: Dispatcher.DispatchController, trailers: IncomingHttpHeaders): void {
    this.#over = true;
    // What is held is all of it, and goes out with the others of this turn.
    if (this.#held === null) {
      if (Object.keys(trailers).length > 0) this.#response.addTrailers(answerTrailers(trailers));
      this.#response.end();
    }
    this.#finish(this.#response.statusCode, null);
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#answered?.();
    if (!this.#gone && this.#goesAgain(error)) return;
    this.#over = true;
    if (this.#gone) this.#finish(0, null);
    else if (this.#response.headersSent) {
      this.#response.destroy();
      const why = `${detailOf(error)}, in the middle of an answer`;
      this.#finish(this.#response.statusCode, new AnswerError('cut', why));
    } else {
      const refusal = withCors(upstreamRefusal(error), this.#admission.cors);
      sendProblem(this.#request, this.#response, refusal, this.#admission.id);
      // A refusal is what our own bound on the body says; the upstream is not to blame for it.
      this.#finish(0, error instanceof Refusal ? null : error);
    }
  }

  #goesAgain(error: Error): boolean {
    const again = this.#again;
    if (again === null || this.#response.headersSent || !isClosed(error)) return false;
    this.#again = null;
    return again();
  }
}
