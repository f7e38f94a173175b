/** A worker could not be started; the code and message are its own. */
export class WorkerError extends Error {
  readonly code: string;
  constructor({ code, message }: { code: string; message: string }) {
    super(message);
    this.name = 'WorkerError';
    this.code = code;
  }
}
