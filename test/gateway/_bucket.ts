import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { cacheFolder } from '../../bundle/cacheFolder.ts';
import { sha256 } from '../../bundle/format/digest.ts';
import { installOnce } from '../_installOnce.ts';
import { freePort, startServer } from '../_server.ts';

const run = promisify(execFile);
/** What knows S3's protocol and checks every signature by AWS's own library. */
const name = 'moto-5.2.5';
/** That, and each package beneath it: another version may read a signed path in another way. */
const requirements = fileURLToPath(new URL('_bucket.requirements.txt', import.meta.url));
/** Without the packages that the machine came with, which are other versions. */
const alone = '-S';

/** A store with one bucket, and the one user that may use it. */
export type BucketServer = {
  endpoint: string;
  bucket: string;
  keys: { accessKey: string; secretKey: string };
  /** Its log: a line a request, with the status. */
  said: () => string;
  close: () => Promise<void>;
};

/** Moto's S3 server, by pip into the user's cache; null where it cannot be had. */
export async function startBucketServer(bucket: string): Promise<BucketServer | null> {
  const packages = await moto();
  if (packages === null) return null;
  const { PATH, HOME } = process.env;
  const port = await freePort();
  // As many requests as it takes to make a user; from then on each must be signed by that user.
  const env = { PATH, HOME, PYTHONPATH: packages, INITIAL_NO_AUTH_ACTION_COUNT: '4' };
  const args = [alone, '-m', 'moto.server', '-H', '127.0.0.1', '-p', String(port)];
  const server = await startServer({ path: 'python3', env }, args, port);
  const call = async (service: string, path: string, method: string, body: URLSearchParams | null) => {
    const authorization = `AWS4-HMAC-SHA256 Credential=set-up/20260101/us-east-1/${service}/aws4_request, SignedHeaders=host, Signature=0`;
    const response = await fetch(`${server.url}${path}`, { method, headers: { authorization }, body });
    const text = await response.text();
    if (!response.ok) throw new Error(`${service} answers ${response.status}: ${text}`);
    return text;
  };
  const iam = (Action: string, more: Record<string, string> = {}) =>
    call(
      'iam',
      '/',
      'POST',
      new URLSearchParams({ Action, UserName: 'gateway', Version: '2010-05-08', ...more }),
    );
  const PolicyDocument = JSON.stringify({
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Action: 's3:*', Resource: '*' }],
  });
  await iam('CreateUser');
  const made = await iam('CreateAccessKey');
  await iam('PutUserPolicy', { PolicyName: 'all', PolicyDocument });
  await call('s3', `/${bucket}`, 'PUT', null);
  const field = (name: string) => new RegExp(`<${name}>([^<]+)</${name}>`).exec(made)?.[1] ?? '';
  return {
    endpoint: server.url,
    bucket,
    keys: { accessKey: field('AccessKeyId'), secretKey: field('SecretAccessKey') },
    said: server.said,
    close: server.close,
  };
}

async function moto(): Promise<string | null> {
  const pins = sha256(await readFile(requirements));
  const folder = join(cacheFolder(), 'python', `${name}-${pins.slice(0, 8)}`);
  const works = () =>
    run('python3', [alone, '-c', 'import moto.server'], {
      env: { ...process.env, PYTHONPATH: folder },
      timeout: 60_000,
    }).then(
      () => true,
      () => false,
    );
  const isThere = await installOnce(folder, works, async (fresh) => {
    const quiet = ['--quiet', '--disable-pip-version-check', '--only-binary', ':all:', '--no-compile'];
    const exactly = ['--no-deps', '--requirement', requirements];
    await run('python3', ['-m', 'pip', 'install', ...quiet, '--target', fresh, ...exactly], {
      timeout: 300_000,
    });
  });
  return isThere ? folder : null;
}
