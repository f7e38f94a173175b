import { BundleError } from '../bundleError.ts';

/** Throws BundleError `policy-invalid` for a package outside of the roots: OPA refuses a bundle that holds one. */
export function assertPackages(policies: ReadonlyMap<string, Buffer>): void {
  for (const [path, source] of policies) {
    const name = /^[ \t]*package[ \t]+([^\s#]+)/m.exec(source.toString())?.[1];
    if (name !== 'grantgate.authz' && !name?.startsWith('grantgate.authz.'))
      throw new BundleError(
        'policy-invalid',
        `${path}: the package must be grantgate.authz or below it, got ${name ?? 'none'}`,
      );
  }
}
