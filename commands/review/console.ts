import type { Command } from 'commander';
import { adminTokenOf, adminTokenOption } from '../arguments/adminToken.ts';
import { daysOf } from '../arguments/days.ts';
import { assertGatewayUrls } from '../arguments/gatewayUrls.ts';
import { instantAsOf } from '../arguments/instantAsOf.ts';
import { portOf } from '../arguments/port.ts';
import { UsageError } from '../arguments/usageError.ts';
import { stopSignal } from '../stopSignal.ts';
import { example, folderOf, print } from '../terminal.ts';

export function console(program: Command): void {
  example(
    program
      .command('console')
      .description(
        'Serve a web page that only looks: who may do what, what is used, findings with their proof, what a branch would change, decisions as they happen, the fleet.',
      )
      .option('--root <folder>', 'the repository with grants/', '.')
      .option('--decisions <paths...>', 'decision logs: folders, files or globs', ['.grantgate/decisions'])
      .option(
        '--usage <places...>',
        "gateways' daily roll-ups: folders, files, globs, or admin listeners",
        [],
      )
      .option('--gateway <urls...>', 'admin listeners: what is decided there, and what they enforce', [])
      .addOption(adminTokenOption())
      .option('--host <address>', 'where to listen; beyond this machine only with a token', '127.0.0.1')
      .option('--port <number>', 'the port; 0 for a free one', '7700')
      .option(
        '--token-env <name>',
        'the environment variable that holds the token that browsers must show, as the password',
        'GRANTGATE_CONSOLE_TOKEN',
      )
      .option('--days <number>', 'how far recorded requests are looked back on for a change', '90')
      .option('--as-of <time>', 'the instant to tell of (RFC 3339); now, when left out')
      .action(runConsole),
    'grantgate console --decisions decisions/ --gateway http://127.0.0.1:9090',
    'GRANTGATE_CONSOLE_TOKEN=… grantgate console --host 0.0.0.0',
  );
}

type Options = {
  root: string;
  decisions: string[];
  usage: string[];
  gateway: string[];
  adminTokenEnv: string;
  host: string;
  port: string;
  tokenEnv: string;
  days: string;
  asOf?: string;
};

/** Whoever guesses has no chance within the life of a console. */
const shortestToken = 16;

async function runConsole(options: Options, command: Command): Promise<void> {
  const { isLoopback } = await import('../../bundle/format/isLoopback.ts');
  const { host, gateway: gateways } = options;
  const port = portOf(options.port, '--port');
  assertGatewayUrls(gateways);
  const token = process.env[options.tokenEnv] || null;
  if (token === null && (!isLoopback(host) || command.getOptionValueSource('tokenEnv') === 'cli'))
    throw new UsageError(
      `the environment variable ${options.tokenEnv} must hold a token: others than this machine could look`,
    );
  if (token !== null && token.length < shortestToken)
    throw new UsageError(`the token in ${options.tokenEnv} must have ${shortestToken} characters at least`);
  const adminToken = adminTokenOf(options);
  const { openConsole } = await import('../../reviewer/console/openConsole.ts');
  const { fleetOf } = await import('./fleetOf.ts');
  const { url, close } = await openConsole({
    ...{ root: folderOf(options.root), decisions: options.decisions, usage: options.usage },
    ...{ gateways, adminToken, fleet: gateways.length === 0 ? null : fleetOf(gateways, adminToken) },
    ...{ host, port, token, days: daysOf(options) },
    asOf: options.asOf === undefined ? null : Math.floor(instantAsOf(options) / 1000),
    now: Date.now,
    onFailure: (error) =>
      void process.stderr.write(
        `grantgate: ${error instanceof Error ? (error.stack ?? error.message) : error}\n`,
      ),
  }).catch((error: NodeJS.ErrnoException) => {
    if (error.syscall !== 'listen') throw error;
    throw new UsageError(`the console cannot listen on ${host} port ${port}: ${error.code}`);
  });
  print(`The console is at ${url}; Ctrl-C ends it.`);
  await stopSignal();
  await close();
}
