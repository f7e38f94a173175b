const advices: Readonly<Record<string, string>> = {
  'source-unreachable':
    'see the address in "bundle.source", names, proxies and firewalls; behind an authority of your own, set "bundle.ca"',
  'source-timeout': 'see the address in "bundle.source", and how long its server takes',
  'source-unauthorized': 'see that "bundle.token" (or "registry", "s3") may read it, and has not ended',
  'source-not-found':
    'see the address in "bundle.source", and that it was published; some servers say this to who may not read',
  'source-redirected': 'name the origin in "bundle.redirect_origins", if it is one to trust',
  'source-too-large': 'set "bundle.max_bytes" higher, if it is meant to be that large',
  'branch-missing': 'name the branch after # in "bundle.source"',
  'commit-unsigned': 'have the commit at the tip signed, or see "bundle.allowed_signers"',
  'commit-signer': 'add the signer to "bundle.allowed_signers", if he is one to trust',
  'git-missing': 'install Git 2.38 or newer',
  'opa-missing': 'see opa',
  'grants-invalid': 'run `grantgate check` in the repository, and merge what mends it',
  'policy-invalid': 'run `grantgate check` in the repository, and merge what mends it',
  'bundle-expired': 'build and publish a newer one',
  'signature-missing': 'sign it: `grantgate build --key`',
};

/** What to do when a bundle cannot be had or taken. */
export function sourceAdvice(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (Object.hasOwn(advices, code)) return advices[code] ?? '';
  if (code.startsWith('signature-') || code === 'key-unsupported')
    return 'see that "bundle.key" is the public key of whoever signs it (`grantgate build --key`)';
  return code === '' ? 'see "bundle.source"' : `see "bundle.source", and ${code} in docs/reference/codes.md`;
}
