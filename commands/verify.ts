import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { UsageError } from '../bundle/usageError.ts';
import { example, print, printJson, readKey } from './terminal.ts';

export function verify(program: Command): void {
  example(
    program
      .command('verify')
      .description('Check that a bundle is whole and signed by a key.')
      .argument('<file>', 'the bundle')
      .requiredOption('--key <pem>', 'public key of the signer')
      .option('--json', 'print the result as JSON')
      .action(async (file: string, options: { key: string; json?: true }) => {
        const { verify } = await import('../bundle/verify.ts');
        const { readVerifyKey } = await import('../bundle/keys.ts');
        const key = readVerifyKey(readKey(options.key));
        let archive: Buffer;
        try {
          archive = readFileSync(file);
        } catch {
          throw new UsageError(`${file} cannot be read`);
        }
        const { revision, counter, committedAt, grants, digest } = await verify(archive, key);
        if (options.json) printJson({ file, revision, counter, committed_at: committedAt, grants, digest });
        else print(`${file}: good; revision ${revision}, ${grants} grants, committed ${committedAt}`);
      }),
    'grantgate verify bundle.tar.gz --key signing.pub.pem',
  );
}
