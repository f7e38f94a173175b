import { z } from 'zod';
import { readCapped } from '../../bundle/format/readCapped.ts';
import type { RevisionFacts } from './revisionFacts.ts';

const facts = z.object({
  revision: z.string().regex(/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/),
  counter: z.int().min(0),
  digest: z.string().max(200),
  grants: z.int().min(0),
  loaded_at: z.iso.datetime(),
  committed_at: z.iso.datetime({ offset: true }),
  lag_ms: z.number().nullable(),
  source: z.string().max(2000),
}) satisfies z.ZodType<RevisionFacts>;

/** What a gateway said, or why it said nothing that counts. */
export type RevisionAnswer = { url: string } & (
  | { facts: RevisionFacts }
  | { error: 'unreachable' | 'unauthorized' | 'no-bundle' | 'malformed' }
);

const largest = 64 * 1024;

/** Asks the admin listener at `url` what it enforces. Never throws: a gateway that cannot be asked is an answer too. */
export async function askRevision(
  url: string,
  options: { token: string | null; timeoutMs: number },
): Promise<RevisionAnswer> {
  try {
    const response = await fetch(`${url.replace(/\/$/, '')}/revision`, {
      headers: {
        accept: 'application/json',
        ...(options.token === null ? {} : { authorization: `Bearer ${options.token}` }),
      },
      // A redirect would carry the token to where nobody meant it to go.
      redirect: 'error',
      signal: AbortSignal.timeout(options.timeoutMs),
    });
    const text = (await readCapped(response.body ?? [], largest))?.toString() ?? '';
    if (response.status === 401 || response.status === 403) return { url, error: 'unauthorized' };
    if (response.status === 503) return { url, error: 'no-bundle' };
    const read = response.status === 200 ? facts.safeParse(jsonOf(text)) : null;
    return read?.success ? { url, facts: read.data } : { url, error: 'malformed' };
  } catch {
    return { url, error: 'unreachable' };
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
