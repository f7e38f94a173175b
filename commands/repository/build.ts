import { writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import { counted } from '../../bundle/format/counted.ts';
import { UsageError } from '../arguments/usageError.ts';
import { example, folderOf, print, printJson, progress, readKey } from '../terminal.ts';

type Options = {
  out: string;
  root: string;
  revision: string;
  key?: string;
  keyId?: string;
  allowRollback?: string | true;
  validFor?: string;
  validUntil?: string;
  json?: true;
};

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
      .option('--key-id <id>', 'what the signature calls its key, for gateways that know several')
      .option(
        '--allow-rollback [release]',
        'sign the commit as a way back from this newer release (its number, as `verify` tells it); from the commit that is checked out, when left out',
      )
      .option(
        '--valid-for <time>',
        'sign that nobody may decide by it after that time (7d, 12h, 30min) from now',
      )
      .option('--valid-until <time>', 'the same as a time (RFC 3339)')
      .option('--json', 'print the result as JSON')
      .action(async (options: Options) => {
        const { readSigningKey } = await import('../../bundle/archive/readSigningKey.ts');
        const { validUntil } = await import('../arguments/validUntil.ts');
        if (options.key === undefined && options.keyId !== undefined)
          throw new UsageError('--key-id names the key of --key, which is missing');
        const key = options.key === undefined ? null : readSigningKey(readKey(options.key), options.keyId);
        const until = validUntil(options, Date.now());
        const root = folderOf(options.root);
        const { assemble } = await import('../../bundle/assemble.ts');
        const { findOpa } = await import('../../bundle/policy/opa.ts');
        const { pack } = await import('../../bundle/archive/pack.ts');
        const { formatRelease } = await import('../../bundle/archive/release.ts');
        const { gitTree } = await import('../../bundle/git/tree.ts');
        const { evaluateWasm } = await import('../../gateway/decision/evaluator.ts');
        const { rollbackOf } = await import('../arguments/rollback.ts');
        const tree = await gitTree(root, options.revision);
        const rollback =
          options.allowRollback === undefined ? null : await rollbackOf(root, tree, options.allowRollback);
        const assembled = await assemble({ tree, opa: await findOpa({ progress }), evaluator: evaluateWasm });
        const bundle = { ...assembled, ...(rollback && { rollback }), ...(until && { validUntil: until }) };
        const archive = await pack(bundle, key);
        writeFileSync(options.out, archive);
        const { revision, counter, grants, digest } = bundle;
        const [signed, bytes, release] = [key !== null, archive.length, formatRelease(bundle)];
        const facts = { file: options.out, revision, counter, release, grants, digest, signed, bytes };
        const valid = until === undefined ? {} : { valid_until: until };
        if (options.json) printJson({ ...facts, ...valid });
        else
          print(
            `${options.out}: revision ${revision}, ${counted(grants, 'grant')}, ${archive.length} bytes, ${key === null ? 'not signed' : 'signed'}`,
          );
      }),
    'grantgate build --out bundle.tar.gz --key signing.pem',
    'grantgate build --out bundle.tar.gz --key signing.pem --revision HEAD~3 --allow-rollback',
  );
}
