import { z } from 'zod';
import { readCapped } from '../../bundle/format/readCapped.ts';

const healthAnswer = z.object({ status: z.string().regex(/^[a-z-]{1,40}$/) });
const largest = 64 * 1024;

/**
 * Asks the admin listener at `url` whether it is ready: `ok`, `draining`, `no-bundle`, …, or `unreachable` and
 * `malformed`. Never throws.
 */
export async function askHealth(url: string, options: { timeoutMs: number }): Promise<string> {
  try {
    const response = await fetch(`${url.replace(/\/$/, '')}/health/ready`, {
      headers: { accept: 'application/json' },
      redirect: 'error',
      signal: AbortSignal.timeout(options.timeoutMs),
    });
    const text = (await readCapped(response.body ?? [], largest))?.toString() ?? '';
    return healthAnswer.safeParse(JSON.parse(text)).data?.status ?? 'malformed';
  } catch (error) {
    return error instanceof SyntaxError ? 'malformed' : 'unreachable';
  }
}
