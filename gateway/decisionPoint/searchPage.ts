import { z } from 'zod';
import { canonicalJson } from '../../bundle/format/canonicalJson.ts';
import { sha256 } from '../../bundle/format/digest.ts';
import { Refusal } from '../http/refusal.ts';
import type { Search } from './authzenRequest.ts';

/** Where a search goes on: behind the name `after`, or at its beginning. */
export type SearchPage = { after: string | null; limit: number };

const usualResults = 200;
const mostResults = 1000;

// Nothing in a token is secret, and nothing is believed that its bearer could not have asked for.
const token = z.tuple([z.string().nullable(), z.int().min(0).max(mostResults), z.string()]);

/**
 * Which page of `search` is asked for. Throws Refusal 400 for a token that belongs to another question, or to other
 * sizes of page.
 */
export function readPage(search: Search): SearchPage {
  const { page } = search;
  if (page?.token === undefined)
    return { after: null, limit: Math.min(page?.limit ?? usualResults, mostResults) };
  const read = token.safeParse(parsed(Buffer.from(page.token, 'base64url').toString()));
  const [after, limit, digest] = read.data ?? [null, 0, ''];
  const asked = page.limit === undefined ? limit : Math.min(page.limit, mostResults);
  if (digest !== digestOf(search) || asked !== limit)
    throw new Refusal(400, 'evaluation-malformed', 'page.token: must come from an answer to the same search');
  return { after, limit };
}

/** The token for what comes behind `after`. */
export const tokenOf = (search: Search, { after, limit }: SearchPage): string =>
  Buffer.from(JSON.stringify([after, limit, digestOf(search)] satisfies z.output<typeof token>)).toString(
    'base64url',
  );

const digestOf = ({ page, stated, ...asked }: Search): string =>
  sha256(canonicalJson({ ...asked, ...stated, params: [...stated.params], claims: [...stated.claims] }));

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
