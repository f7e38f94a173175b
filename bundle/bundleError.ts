export type BundleErrorCode =
  // Building
  | 'grants-invalid'
  | 'policy-invalid'
  | 'no-revision'
  | 'uncommitted'
  | 'shallow'
  // Keys
  | 'key-unsupported'
  | 'service-invalid'
  // Verifying
  | 'archive-too-large'
  | 'archive-malformed'
  | 'archive-entry'
  | 'archive-files'
  | 'size-mismatch'
  | 'signature-missing'
  | 'signature-malformed'
  | 'signature-algorithm'
  | 'signature-key-unknown'
  | 'signature-key-unnamed'
  | 'signature-invalid'
  | 'signature-files'
  | 'digest-mismatch'
  | 'manifest-invalid'
  | 'bundle-expired'
  | 'data-malformed'
  | 'wasm-invalid'
  | 'wasm-entrypoint'
  | 'wasm-builtin'
  | 'policy-unexamined';

/** A bundle cannot be built, or is not to be trusted. `problems` are the places in grants/ (`grants-invalid` only). */
export class BundleError extends Error {
  readonly code: BundleErrorCode;
  readonly problems: readonly Problem[];
  constructor(
    code: BundleErrorCode,
    message: string,
    options: ErrorOptions & { problems?: readonly Problem[] } = {},
  ) {
    super(message, options);
    this.name = 'BundleError';
    this.code = code;
    this.problems = options.problems ?? [];
  }
}

/** One thing wrong in a file. `code` is stable; `message` says what is wrong, what was expected and what was found. */
export type Problem = { file: string; line: number; column: number; code: string; message: string };
