// The one place that knows aws4fetch. Its edges: it would sign every header it is given, and a proxy may change
// `accept-encoding`, so it is given none of those; it reads `+` in a path as a space, which object keys never hold
// here; without a digest of the body it would leave the body unsigned.
import { AwsV4Signer } from 'aws4fetch';
import { sha256 } from '../format/digest.ts';

/** Who we are to an object store. */
export type BucketKeys = { accessKey: string; secretKey: string; sessionToken?: string | undefined };

type Signed = { method?: string | undefined; url: string; body?: Buffer | undefined; headers?: unknown };

/** Signs each request by AWS Signature Version 4: host, path, query, time and the body's digest. */
export function signRequest({ accessKey, secretKey, sessionToken }: BucketKeys, region: string) {
  return async ({ method = 'GET', url, body }: Signed): Promise<Record<string, string>> => {
    const signer = new AwsV4Signer({
      method,
      url,
      headers: { 'x-amz-content-sha256': sha256(body ?? '') },
      accessKeyId: accessKey,
      secretAccessKey: secretKey,
      ...(sessionToken === undefined ? {} : { sessionToken }),
      service: 's3',
      region,
    });
    const { headers } = await signer.sign();
    return Object.fromEntries([...headers].filter(([name]) => name !== 'host'));
  };
}
