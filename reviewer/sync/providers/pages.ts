import type { z } from 'zod';
import type { Answer, Client } from './client.ts';
import { SyncError } from './syncError.ts';

const mostPages = 20_000;

type Paged<T> = {
  /** The items of a page; what is not in this form ends the read. */
  items: z.ZodType<readonly T[]>;
  /** The next page's address; null on the last. */
  next: (answer: Answer) => string | null;
};

/**
 * Every page from `first` on. A page that was there before means that the rest would never come. Throws SyncError
 * `sync-answer`, and what the client throws.
 */
export async function* eachPage<T>(
  client: Client,
  first: string,
  { items, next }: Paged<T>,
): AsyncGenerator<readonly T[]> {
  const seen = new Set<string>();
  for (let url: string | null = first; url !== null; ) {
    if (seen.has(url) || seen.size >= mostPages)
      throw new SyncError(
        'sync-incomplete',
        `the pages of ${withoutQuery(first)} lead in a circle or have no end`,
      );
    seen.add(url);
    const answer: Answer = await client.get(url);
    yield checked(items, answer.body, url);
    url = next(answer);
  }
}

const mostPasses = 3;

/**
 * All items, each id once: what moved to a later page between two answers is told twice, and the later word counts. Where
 * the provider has forgotten our place in its list (Okta and Graph say so by 400, others by 410), it is read from the
 * beginning: what came after that place would be missing.
 */
export async function readAll<T>(
  client: Client,
  first: string,
  paged: Paged<T>,
  idOf: (item: T) => string,
): Promise<T[]> {
  for (let pass = 1; ; pass += 1) {
    const found = new Map<string, T>();
    let pages = 0;
    try {
      for await (const page of eachPage(client, first, paged)) {
        pages += 1;
        for (const item of page) found.set(idOf(item), item);
      }
      return [...found.values()];
    } catch (error) {
      const forgotten = error instanceof SyncError && error.code === 'sync-gone' && pages > 0;
      if (!forgotten || pass === mostPasses) throw error;
    }
  }
}

/** A value in its form. Throws SyncError `sync-answer`, naming the place and nothing of the content. */
export function checked<T>(schema: z.ZodType<T>, value: unknown, url: string): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const place = issue?.path.map(String).join('.') || 'the answer';
  throw new SyncError('sync-answer', `${withoutQuery(url)}: ${place} is not as documented (${issue?.code})`);
}

/** The address in `Link: <…>; rel="next"` (RFC 8288). */
export function nextLink({ headers }: Answer): string | null {
  for (const link of (headers.get('link') ?? '').split(/,\s*(?=<)/)) {
    const [, target = '', parameters = ''] = /^\s*<([^>]*)>(.*)$/.exec(link) ?? [];
    if (/;\s*rel="?next"?\s*(?:;|$)/i.test(parameters)) return target;
  }
  return null;
}

const withoutQuery = (url: string) => url.split('?')[0] ?? '';
