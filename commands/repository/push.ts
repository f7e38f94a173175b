import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { isLoopback } from '../../bundle/format/isLoopback.ts';
import { UsageError } from '../arguments/usageError.ts';
import { abortOnStop } from '../stopSignal.ts';
import { example, print, printJson, readKey } from '../terminal.ts';

export function push(program: Command): void {
  example(
    program
      .command('push')
      .description('Put a built bundle into a registry (OCI) or a bucket (S3), for gateways and OPA to load.')
      .argument('<address>', 'oci://HOST/REPOSITORY:TAG or s3://BUCKET/KEY')
      .argument('<file>', 'the bundle')
      .option('--key <pem>', 'public key of the signer: push only what it signed')
      .option('--username <name>', 'who we are to the registry')
      .option('--password-env <name>', 'the environment variable with the password', 'REGISTRY_PASSWORD')
      .option('--token-env <name>', 'or the one with a token that the registry takes as it is')
      .option('--origins <urls...>', 'where else the registry may send us: who gives its tokens, its store')
      .option('--region <name>', "the bucket's region", process.env.AWS_REGION ?? 'us-east-1')
      .option('--endpoint <url>', "the bucket's store, when it is not AWS")
      .option('--path-style', 'the bucket stands in the path, not in the host')
      .option('--ca <pem>', "the authority that signed the server's certificate")
      .option('--json', 'print the result as JSON')
      .action(runPush)
      .addHelpText(
        'after',
        '\nKeys of buckets are taken from AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN.',
      ),
    'REGISTRY_PASSWORD=… grantgate push oci://registry.example.com/northwind/access:main bundle.tar.gz --username ci',
    'grantgate push s3://northwind/access/bundle.tar.gz bundle.tar.gz --region eu-central-1',
  );
}

type PushOptions = {
  key?: string;
  username?: string;
  passwordEnv: string;
  tokenEnv?: string;
  origins?: string[];
  region: string;
  endpoint?: string;
  pathStyle?: true;
  ca?: string;
  json?: true;
};

async function runPush(address: string, file: string, options: PushOptions): Promise<void> {
  const { readVerifyKey, verify } = await import('../../bundle/archive/verify.ts');
  const { pushBundle } = await import('../../gateway/source/pushBundle.ts');
  let archive: Buffer;
  try {
    archive = readFileSync(file);
  } catch {
    throw new UsageError(`${file} cannot be read`);
  }
  // Whatever is pushed is a bundle, at least: gateways would find out later, and each of them.
  const bundle = await verify(
    archive,
    options.key === undefined ? null : readVerifyKey(readKey(options.key)),
  );
  const signal = abortOnStop();
  const target = {
    address,
    registry: credentialsOf(options),
    store: address.startsWith('s3:') ? storeOf(options) : undefined,
    origins: options.origins?.map(originOf),
    tls: { ca: options.ca },
  };
  const { address: where, digest } = await pushBundle(archive, bundle, target, signal);
  const { revision, counter } = bundle;
  if (options.json)
    printJson({
      address: where,
      ...(digest === null ? {} : { digest }),
      revision,
      counter,
      bytes: archive.length,
    });
  else print(`${where}${digest === null ? '' : `@${digest}`}: revision ${revision}, ${archive.length} bytes`);
}

function fromEnvironment(name: string): string {
  const value = process.env[name];
  if (value === undefined || value === '')
    throw new UsageError(`the environment variable ${name} is not set`);
  return value;
}

function credentialsOf({ username, passwordEnv, tokenEnv }: PushOptions) {
  if (username !== undefined && tokenEnv !== undefined)
    throw new UsageError('--username and --token-env are two ways to say who we are: give one');
  if (tokenEnv !== undefined) return { token: fromEnvironment(tokenEnv) };
  return username === undefined ? undefined : { username, password: fromEnvironment(passwordEnv) };
}

function storeOf({ region, endpoint, pathStyle }: PushOptions) {
  if (endpoint !== undefined) originOf(endpoint);
  return {
    region,
    endpoint,
    pathStyle: pathStyle === true,
    keys: {
      accessKey: fromEnvironment('AWS_ACCESS_KEY_ID'),
      secretKey: fromEnvironment('AWS_SECRET_ACCESS_KEY'),
      sessionToken: process.env.AWS_SESSION_TOKEN || undefined,
    },
  };
}

/** Credentials and bundles go over TLS, or stay on this machine. */
function originOf(address: string): string {
  const url = URL.parse(address);
  if (url?.protocol === 'https:' || (url?.protocol === 'http:' && isLoopback(url.hostname)))
    return url.origin;
  throw new UsageError(`"${address}" must be https (http only on loopback)`);
}
