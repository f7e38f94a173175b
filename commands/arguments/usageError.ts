/** A command was called wrongly; the message says how it is called. Code `usage`. */
export class UsageError extends Error {
  readonly code = 'usage';
}
