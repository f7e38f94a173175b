/** An import cannot be done; nothing was written. The message says what to do. */
export class ImportError extends Error {
  readonly code = 'import-failed';
  override readonly name = 'ImportError';
}
