import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { example, print, printJson, progress, readKey } from './terminal.ts';

export function build(program: Command): void {
  example(
    program
      .command('build')
      .description('Compile a commit of a repository into an OPA bundle.')
      .requiredOption('--out <file>', 'where to write the bundle (.tar.gz)')
      .option('--root <folder>', 'the repository', '.')
      .option(
        '--revision <commit>',
        'the commit to build; uncommitted changes are never part of a bundle',
        'HEAD',
      )
      .option('--key <pem>', 'private key to sign with (P-256 or RSA)')
      .option('--json', 'print the result as JSON')
      .action(async (options: { out: string; root: string; revision: string; key?: string; json?: true }) => {
        const { assemble } = await import('../bundle/assemble.ts');
        const { findOpa } = await import('../bundle/opa.ts');
        const { pack } = await import('../bundle/pack.ts');
        const { readSigningKey } = await import('../bundle/keys.ts');
        const { gitTree } = await import('../bundle/tree.ts');
        const key = options.key === undefined ? null : readSigningKey(readKey(options.key));
        const tree = await gitTree(resolve(options.root), options.revision);
        const bundle = await assemble({ tree, opa: await findOpa({ progress }) });
        const archive = await pack(bundle, key);
        writeFileSync(options.out, archive);
        const { revision, counter, grants, digest } = bundle;
        const signed = key !== null;
        const facts = { file: options.out, revision, counter, grants, digest, signed, bytes: archive.length };
        if (options.json) printJson(facts);
        else
          print(
            `${options.out}: revision ${revision}, ${grants} grants, ${archive.length} bytes, ${key === null ? 'not signed' : 'signed'}`,
          );
      }),
    'grantgate build --out bundle.tar.gz --key signing.pem',
  );
}
