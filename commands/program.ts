import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { completion } from './completion/completion.ts';
import { demo } from './demo.ts';
import { doctor } from './gateway/doctor.ts';
import { explain } from './gateway/explain.ts';
import { publish } from './gateway/publish.ts';
import { serve } from './gateway/serve.ts';
import { status } from './gateway/status.ts';
import { records } from './records/records.ts';
import { build } from './repository/build.ts';
import { check } from './repository/check.ts';
import { diff } from './repository/diff.ts';
import { importOpenapi } from './repository/importOpenapi.ts';
import { init } from './repository/init.ts';
import { key } from './repository/key.ts';
import { push } from './repository/push.ts';
import { schemas } from './repository/schemas.ts';
import { test } from './repository/test.ts';
import { verify } from './repository/verify.ts';
import { checkPull } from './review/checkPull.ts';
import { console } from './review/console.ts';
import { inventory } from './review/inventory.ts';
import { replay } from './review/replay.ts';
import { report } from './review/report.ts';
import { request } from './review/request.ts';
import { restore } from './review/restore.ts';
import { review } from './review/review.ts';
import { sync } from './review/sync.ts';
import { trends } from './review/trends.ts';
import { usage } from './review/usage.ts';

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

type AddCommand = (program: Command) => void;

const groups: readonly (readonly [heading: string, commands: readonly AddCommand[]])[] = [
  ['A repository of grants:', [init, check, test, diff, explain, schemas, importOpenapi, sync, key]],
  ['Bundles:', [build, verify, push, publish]],
  ['Gateways:', [doctor, serve, status]],
  ['Reviews:', [review, checkPull, replay, request, restore]],
  ['Evidence:', [inventory, usage, trends, console, report, records]],
  ['To try it:', [demo]],
  ['For the shell:', [completion]],
];

/**
 * All commands, in the order that help lists them. Rooms are imported by the command that needs them, so that `check` does
 * not wait for DuckDB.
 */
export function createProgram(): Command {
  const program = new Command('grantgate')
    .description('A policy-as-code gateway for APIs whose access reviews happen in Git.')
    .version(version)
    .exitOverride()
    .showHelpAfterError('(--help shows what there is)');
  for (const [heading, commands] of groups) {
    program.commandsGroup(heading);
    for (const command of commands) command(program);
  }
  return program;
}
