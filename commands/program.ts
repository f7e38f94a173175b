import { Command } from 'commander';
import { build } from './build.ts';
import { check } from './check.ts';
import { demo } from './demo.ts';
import { diff } from './diff.ts';
import { explain } from './explain.ts';
import { importOpenapi } from './importOpenapi.ts';
import { inventory } from './inventory.ts';
import { key } from './key.ts';
import { publish } from './publish.ts';
import { push } from './push.ts';
import { review } from './review.ts';
import { serve } from './serve.ts';
import { status } from './status.ts';
import { sync } from './sync.ts';
import { verify } from './verify.ts';

/**
 * All commands, in the order that help lists them. Rooms are imported by the command that needs them, so that `check` does
 * not wait for DuckDB.
 */
export function createProgram(): Command {
  const program = new Command('grantgate')
    .description('A policy-as-code gateway for APIs whose access reviews happen in Git.')
    .version('0.1.0')
    .exitOverride()
    .showHelpAfterError('(--help shows what there is)');
  for (const command of [
    check,
    build,
    verify,
    push,
    key,
    serve,
    publish,
    status,
    explain,
    importOpenapi,
    diff,
    inventory,
    sync,
    review,
    demo,
  ])
    command(program);
  return program;
}
