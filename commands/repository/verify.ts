import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { BundleError } from '../../bundle/bundleError.ts';
import { counted } from '../../bundle/format/counted.ts';
import { UsageError } from '../arguments/usageError.ts';
import { example, print, printJson, readKey, readKeys } from '../terminal.ts';

export function verify(program: Command): void {
  example(
    program
      .command('verify')
      .description('Check that a bundle is whole and signed by a key.')
      .argument('<file>', 'the bundle')
      .option('--key <pem>', 'public key of the signer')
      .option('--keys <id=pem...>', 'several public keys by their ids; the signature names one')
      .option('--max-bytes <size>', 'the largest bundle, unpacked', '1GB')
      .option('--json', 'print the result as JSON')
      .action(
        async (file: string, options: { key?: string; keys?: string[]; maxBytes: string; json?: true }) => {
          if ((options.key === undefined) === (options.keys === undefined))
            throw new UsageError('either --key or --keys is needed');
          const given = options.key === undefined ? readKeys(options.keys ?? []) : readKey(options.key);
          const { limitsOf, verify } = await import('../../bundle/archive/verify.ts');
          const { formatRelease } = await import('../../bundle/archive/release.ts');
          const { readVerifyKeys } = await import('../../bundle/archive/keys.ts');
          const { sizeOf } = await import('../arguments/size.ts');
          const keys = readVerifyKeys(given);
          let archive: Buffer;
          try {
            archive = readFileSync(file);
          } catch {
            throw new UsageError(`${file} cannot be read`);
          }
          const bundle = await verify(archive, keys, limitsOf(sizeOf(options.maxBytes, '--max-bytes')));
          const { revision, counter, committedAt, grants, digest } = bundle;
          const release = formatRelease(bundle);
          const { validUntil } = bundle;
          if (validUntil !== undefined && Date.now() >= Date.parse(validUntil))
            throw new BundleError('bundle-expired', `the bundle was valid until ${validUntil}`);
          const facts = { file, revision, counter, release, committed_at: committedAt, grants, digest };
          if (options.json) printJson({ ...facts, ...(validUntil && { valid_until: validUntil }) });
          else
            print(
              `${file}: good; revision ${revision}, release ${release}, ${counted(grants, 'grant')}, committed ${committedAt}${validUntil === undefined ? '' : `, valid until ${validUntil}`}`,
            );
        },
      ),
    'grantgate verify bundle.tar.gz --key signing.pub.pem',
    'grantgate verify bundle.tar.gz --keys 2025=old.pub.pem 2026=new.pub.pem',
  );
}
