import { resolve } from 'node:path';
import type { Command } from 'commander';
import { durationOf } from '../arguments/duration.ts';
import { UsageError } from '../arguments/usageError.ts';
import { stopSignal } from '../stopSignal.ts';
import { example, readKey } from '../terminal.ts';

export function publish(program: Command): void {
  example(
    program
      .command('publish')
      .description('Compile and sign a branch and serve it to gateways and OPA servers as a bundle.')
      .requiredOption(
        '--source <address>',
        'git+https://HOST/REPOSITORY#BRANCH or git+file:///PATH#BRANCH; #BRANCH:FOLDER where grants/ is not at the root',
      )
      .requiredOption('--key <pem>', 'private key to sign with (P-256 or RSA)')
      .option('--key-id <id>', 'what signatures call it, for gateways that know several (`bundle.keys`)')
      .option('--listen <host:port>', 'where to serve', '127.0.0.1:8282')
      .option('--cert <pem>', 'certificate to serve TLS with')
      .option('--cert-key <pem>', 'its private key')
      .option(
        '--state <folder>',
        'where the copy of the repository and the last good bundle are kept',
        '.grantgate/publish',
      )
      .option('--poll <time>', 'how often to look for commits', '30s')
      .option('--token-env <name>', 'the environment variable that holds the token clients must have')
      .option('--source-token-env <name>', "the environment variable that holds the Git host's token")
      .option(
        '--webhook-secret-env <name>',
        'the environment variable that holds the secret of POST /webhooks/FORGE',
      )
      .option('--allowed-signers <file>', 'take only commits signed by one of these (as Git lists signers)')
      .option('--json', 'accepted for uniformity: the log is JSON already')
      .action(runPublish),
    'grantgate publish --source git+https://github.com/example/access.git#main --key signing.pem',
    'grantgate publish --source git+file:///srv/access.git#main --key signing.pem --listen 0.0.0.0:8282 --token-env TOKEN',
  );
}

type Options = {
  source: string;
  key: string;
  keyId?: string;
  listen: string;
  cert?: string;
  certKey?: string;
  state: string;
  poll: string;
  tokenEnv?: string;
  sourceTokenEnv?: string;
  webhookSecretEnv?: string;
  allowedSigners?: string;
};

async function runPublish(options: Options): Promise<void> {
  const { publish } = await import('../../gateway/publish/publish.ts');
  const { cert, certKey } = options;
  if ((cert === undefined) !== (certKey === undefined))
    throw new UsageError('--cert and --cert-key go together');
  const publisher = await publish({
    listen: {
      ...addressOf(options.listen),
      ...(cert === undefined || certKey === undefined
        ? {}
        : { tls: { cert: resolve(cert), key: resolve(certKey) } }),
    },
    source: options.source,
    signingKeyPem: readKey(options.key),
    signingKeyId: options.keyId,
    stateFolder: resolve(options.state),
    pollMs: durationOf(options.poll, '--poll'),
    token: secretOf(options.tokenEnv),
    sourceToken: secretOf(options.sourceTokenEnv),
    webhookSecret: secretOf(options.webhookSecretEnv),
    allowedSigners: options.allowedSigners === undefined ? null : resolve(options.allowedSigners),
  });
  await stopSignal();
  await publisher.close();
  if (process.connected) process.disconnect();
}

function addressOf(text: string): { host: string; port: number } {
  const [, bracketed, plain, port] = /^(?:\[([0-9a-f:]+)\]|([^:[\]\s]+)):([0-9]{1,5})$/i.exec(text) ?? [];
  const host = bracketed ?? plain;
  if (host === undefined || Number(port) > 65_535)
    throw new UsageError(`--listen must be HOST:PORT, got "${text}"`);
  return { host, port: Number(port) };
}

function secretOf(name: string | undefined): string | null {
  if (name === undefined) return null;
  const value = process.env[name]?.trim();
  if (!value) throw new UsageError(`the environment variable ${name} is not set`);
  return value;
}
