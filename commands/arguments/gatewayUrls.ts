import { UsageError } from './usageError.ts';

/** Throws UsageError unless all are addresses of admin listeners, each named once. */
export function assertGatewayUrls(urls: readonly string[]): void {
  for (const url of urls) {
    const parsed = URL.parse(url);
    const plain = parsed !== null && /^https?:$/.test(parsed.protocol) && !/[?#]/.test(url);
    if (!plain || parsed.username !== '' || parsed.password !== '')
      throw new UsageError(
        'a gateway is named by an address like http://127.0.0.1:9090, without credentials',
      );
  }
  if (new Set(urls.map((url) => new URL(url).href)).size < urls.length)
    throw new UsageError('a gateway is named twice');
}
