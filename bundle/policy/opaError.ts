/**
 * opa cannot be had. Codes: `opa-wrong-version` (OPA_PATH is another version), `opa-unusable` (it does not run),
 * `opa-digest` (a download is not the pinned file), `opa-missing` (nowhere found and not to be installed).
 */
export class OpaError extends Error {
  readonly code: 'opa-wrong-version' | 'opa-unusable' | 'opa-digest' | 'opa-missing';
  constructor(code: OpaError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'OpaError';
    this.code = code;
  }
}
