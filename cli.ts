#!/usr/bin/env node
import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { Command, CommanderError } from 'commander';
import { UsageError } from './bundle/usageError.ts';
import type { RepositoryQuestion } from './gateway/explainRepository.ts';
import { stopSignal } from './gateway/stopSignal.ts';
import { type ForgeOptions, forgeTarget } from './reviewer/forgeTarget.ts';

// argv → the rooms' functions; prints, sets the exit code, decides nothing. Rooms are imported by the command that
// needs them, so that `check` does not wait for DuckDB. Exit codes: 0 done, 1 problems found, 2 usage or configuration.

const progress = (line: string) => {
  if (process.stderr.isTTY) process.stderr.write(`${line}\n`);
};
const print = (text: string) => process.stdout.write(text.endsWith('\n') ? text : `${text}\n`);
const printJson = (value: unknown) => print(JSON.stringify(value, null, 2));

/** Errors a user can act on: a stable code, and a message that says what to do. */
const isCoded = (error: unknown): error is Error & { code: string } =>
  error instanceof Error && 'code' in error && typeof error.code === 'string';

/** Codes that mean "you called it wrongly", not "it found problems". */
const usageCodes = new Set([
  'config-invalid',
  'key-unsupported',
  'opa-digest',
  'opa-missing',
  'opa-unusable',
  'opa-wrong-version',
  'service-invalid',
  'source-invalid',
  'usage',
]);

function readKey(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    throw new UsageError(`the key file ${path} cannot be read`);
  }
}

function example(command: Command, ...lines: string[]): Command {
  return command.addHelpText('after', `\nExample:\n${lines.map((line) => `  $ ${line}`).join('\n')}\n`);
}

function createProgram(): Command {
  const program = new Command('grantgate')
    .description('A policy-as-code gateway for APIs whose access reviews happen in Git.')
    .version('0.1.0')
    .exitOverride()
    .showHelpAfterError('(--help shows what there is)');

  example(
    program
      .command('check')
      .description('Check grants and policies; print every problem with its place.')
      .argument('[root]', 'the repository', '.')
      .option('--json', 'print problems and summary as JSON')
      .action(async (root: string, options: { json?: true }) => {
        const { check } = await import('./bundle/check.ts');
        const { problems, summary } = await check(resolve(root));
        if (options.json) printJson({ problems, summary });
        else if (problems.length > 0) {
          for (const { file, line, column, message } of problems)
            print(`${file}:${line}:${column}: ${message}`);
          print(`${problems.length} ${problems.length === 1 ? 'problem' : 'problems'}`);
        } else
          print(
            Object.entries(summary)
              .map(([what, count]) => `${count} ${what}`)
              .join(', '),
          );
        if (problems.length > 0) process.exitCode = 1;
      }),
    'grantgate check',
    'grantgate check ../access --json',
  );

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
        const { assemble } = await import('./bundle/assemble.ts');
        const { findOpa } = await import('./bundle/opa.ts');
        const { pack } = await import('./bundle/pack.ts');
        const { readSigningKey } = await import('./bundle/keys.ts');
        const { gitTree } = await import('./bundle/tree.ts');
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

  example(
    program
      .command('verify')
      .description('Check that a bundle is whole and signed by a key.')
      .argument('<file>', 'the bundle')
      .requiredOption('--key <pem>', 'public key of the signer')
      .option('--json', 'print the result as JSON')
      .action(async (file: string, options: { key: string; json?: true }) => {
        const { verify } = await import('./bundle/verify.ts');
        const { readVerifyKey } = await import('./bundle/keys.ts');
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

  example(
    program
      .command('key')
      .description('API keys for services that cannot get tokens.')
      .command('new')
      .description('Make an API key. It is shown this once; the repository gets its hash.')
      .requiredOption('--service <name>', 'the service in grants/directory/services.yaml')
      .option('--json', 'print the key and its entry as JSON')
      .action(async (options: { service: string; json?: true }) => {
        const { newKey } = await import('./bundle/newKey.ts');
        const { text, ...made } = newKey(options.service);
        if (options.json) printJson(made);
        else print(text);
      }),
    'grantgate key new --service shipping-bridge',
  );

  example(
    program
      .command('serve')
      .description('Run the gateway.')
      .requiredOption('--config <file>', 'gateway.yaml')
      .option('--workers <number>', 'processes that share the port; as configured, when left out')
      .option('--json', 'accepted for uniformity: the log is JSON already')
      .action(async (options: { config: string; workers?: string }) => {
        const { readConfig } = await import('./gateway/config.ts');
        const file = resolve(options.config);
        const config = readConfig(file);
        const workers = options.workers === undefined ? config.workers : Number(options.workers);
        if (!Number.isInteger(workers) || workers < 1 || workers > 64)
          throw new UsageError(`--workers must be a number from 1 to 64, got "${options.workers}"`);
        const gateway =
          workers === 1
            ? await (await import('./gateway/main.ts')).serve({ config })
            : await (await import('./gateway/workers.ts')).serveWorkers({ file, config, workers });
        process.on('SIGHUP', gateway.rotate);
        // A single process cannot replace itself; the signal must not end it either.
        process.on('SIGUSR2', () => void ('restart' in gateway && gateway.restart()));
        await stopSignal();
        await gateway.close();
        // An open channel to a supervisor would keep the process alive.
        if (process.connected) process.disconnect();
      }),
    'grantgate serve --config gateway.yaml',
  );

  example(
    program
      .command('explain')
      .description('Say why a caller may do something or may not, who granted it, and what to ask for.')
      .requiredOption('--subject <principal>', 'user:LOGIN or service:NAME')
      .requiredOption('--api <name>', 'the API')
      .option('--operation <name>', 'the operation; or the request:')
      .option('--method <method>', 'its method; GET, when left out')
      .option('--path <path>', 'its path')
      .option('--networks <names...>', 'declared networks the caller is in')
      .option('--mfa', 'the caller signed in with a second factor')
      .option('--at <time>', 'the instant to decide at (RFC 3339); now, when left out')
      .option('--root <folder>', 'the repository', '.')
      .option('--revision <commit>', 'a commit; the files on disk, when left out')
      .option('--json', 'print the explanation as JSON')
      .action(async ({ json, ...question }: RepositoryQuestion & { json?: true }) => {
        const { explainRepository } = await import('./gateway/explainRepository.ts');
        const { explanation, text } = await explainRepository(question, { now: Date.now(), progress });
        if (json) printJson(explanation);
        else print(text);
      }),
    'grantgate explain --subject user:ann@example.com --api orders --operation getOrder',
  );

  example(
    program
      .command('review')
      .description('Find access that should go; with --apply, open and update pull requests.')
      .option('--root <folder>', 'the repository with grants/', '.')
      .option('--decisions <paths...>', 'decision logs: folders, files or globs', ['.grantgate/decisions'])
      .option('--as-of <time>', 'the instant to judge at (RFC 3339); now, when left out')
      .option('--apply', 'open and update pull requests; without it nothing is changed')
      .option('--forge <url>', 'GitHub API address', process.env.GITHUB_API_URL ?? 'https://api.github.com')
      .option('--repository <owner/name>', 'the repository on the forge', process.env.GITHUB_REPOSITORY)
      .option('--base <branch>', 'the branch that is enforced', 'main')
      .option('--token-env <name>', 'the environment variable that holds the forge token', 'GITHUB_TOKEN')
      .option('--json', 'print the plan as JSON')
      .action(runReview),
    'grantgate review --decisions decisions/',
    'grantgate review --apply --repository northwind/access --json',
  );

  example(
    program
      .command('demo')
      .description(
        'Run the whole loop on this machine: forge, identity provider, APIs, gateway and one review.',
      )
      .option('--tour', 'walk through it and exit; 0 only if everything held')
      .option('--port <number>', "the gateway's port; a free one, when left out")
      .option('--folder <path>', 'where it lives; made anew at every start', '.grantgate/demo')
      .option('--json', 'print the addresses as JSON')
      .action(async (options: { tour?: true; port?: string; folder: string; json?: true }) => {
        const port = options.port === undefined ? 0 : Number(options.port);
        if (!Number.isInteger(port) || port < 0 || port > 65_535)
          throw new UsageError(`--port must be a port number, got "${options.port}"`);
        // The demo brings what production has already; it is the one room no other imports, so it is loaded by name.
        const { demo } = await import('./demo/main.ts');
        process.exitCode = await demo({
          folder: resolve(options.folder),
          tour: options.tour === true,
          json: options.json === true,
          port,
        });
      }),
    'npm start',
    'npm start -- --tour',
  );
  return program;
}

type ReviewOptions = ForgeOptions & {
  root: string;
  decisions: string[];
  asOf?: string;
  apply?: true;
  json?: true;
};

async function runReview(options: ReviewOptions): Promise<void> {
  const { review } = await import('./reviewer/main.ts');
  const { renderTable } = await import('./reviewer/renderTable.ts');
  const asOf = options.asOf === undefined ? Date.now() : Date.parse(options.asOf);
  if (Number.isNaN(asOf))
    throw new UsageError(`--as-of must be an instant like 2026-03-01T09:00:00Z, got "${options.asOf}"`);
  const stop = new AbortController();
  void stopSignal().then(() => stop.abort());
  const { plan, pulls, error } = await review({
    root: resolve(options.root),
    decisions: options.decisions,
    asOf,
    ...(options.apply ? { apply: { forge: forgeTarget(options) } } : {}),
    signal: stop.signal,
    progress,
  });
  if (options.json) printJson(options.apply ? { ...plan, pull_requests: pulls } : plan);
  else print(renderTable(plan, pulls, process.stdout.columns));
  if (error !== null) throw error;
}

try {
  await createProgram().parseAsync();
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 2;
  else if (isCoded(error)) {
    process.stderr.write(`grantgate: ${error.message}\n`);
    process.exitCode = usageCodes.has(error.code) ? 2 : 1;
  } else throw error;
}
