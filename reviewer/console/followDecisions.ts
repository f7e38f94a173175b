import { z } from 'zod';
import { type DecisionFilter, decisionFilters, type ShownDecision } from './views/decisionsPage.ts';

const text = z.string().max(2000);
const asked = z.object({ subject: text.nullish(), api: text.nullish(), operation: text.nullish() });
const line = z.union([
  z.object({
    timestamp: text,
    decision_id: text,
    instance: text,
    status: z.number().optional(),
    input: asked,
    result: z.object({ allow: z.boolean(), grants: z.array(text), reason: text }),
  }),
  asked.extend({
    event: z.literal('stream-closed'),
    timestamp: text,
    decision_id: text,
    instance: text,
    reason: text,
    grants: z.array(text),
  }),
  z.object({ missed: z.int().positive() }),
]);

export type Told = ShownDecision | { missed: number };

/** One line of a gateway's decisions as it is shown; null for what is none, or not what was asked for. */
export function shownOf(json: string, filter: DecisionFilter): Told | null {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    return null;
  }
  const read = line.safeParse(value).data;
  if (read === undefined) return null;
  if ('missed' in read) return { missed: read.missed };
  const ended = 'event' in read;
  const { subject, api, operation } = ended ? read : read.input;
  const { grants, reason } = ended ? read : read.result;
  const limited = !ended && read.status === 429;
  const allow = !ended && read.result.allow && !limited;
  const seen = {
    answer: allow ? 'allowed' : 'denied',
    who: subject ?? '',
    api: api ?? '',
    operation: operation ?? '',
    reason,
  };
  const fits = (name: keyof DecisionFilter) =>
    name === 'who'
      ? seen.who.toLowerCase().includes(filter.who.toLowerCase())
      : filter[name] === '' || seen[name] === filter[name];
  if (!decisionFilters.every(fits)) return null;
  const answer = ended ? 'ended' : limited ? 'limited' : seen.answer;
  return {
    id: `${read.decision_id}${ended ? ' ended' : ''}`,
    allow,
    cells: [
      read.timestamp.replace('T', ' ').replace(/Z$/, ''),
      answer,
      seen.who,
      seen.operation,
      seen.api,
      reason,
      grants.join(', '),
      read.instance,
    ],
  };
}

type Options = { url: string; token: string | null };

async function open({ url, token }: Options, query: string, signal: AbortSignal) {
  const response = await fetch(`${url.replace(/\/$/, '')}/decisions${query}`, {
    headers: {
      accept: 'application/x-ndjson',
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
    },
    // A redirect would carry the token to where nobody meant it to go.
    redirect: 'error',
    signal,
  });
  if (response.status !== 200 || response.body === null) {
    await response.body?.cancel();
    throw new Error(
      response.status === 401 || response.status === 403
        ? 'it wants another admin token'
        : `it answered ${response.status}`,
    );
  }
  return response.body;
}

/** No line of a gateway is longer; what is, is not ours. */
const longestLine = 256 * 1024;

/** Lines of a gateway as they come; a line too long ends it. */
export async function* followDecisions(
  options: Options,
  query: string,
  signal: AbortSignal,
): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of await open(options, query, signal)) {
    rest += decoder.decode(chunk, { stream: true });
    const lines = rest.split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
    if (rest.length > longestLine) throw new Error('it sends lines without end');
  }
}

/** A gateway may take this long to answer. */
const askMs = 3000;
const mostShown = 200;

/** The newest decisions of some gateways, the newest first; which of them said nothing, and why. */
export async function recentDecisions(
  gateways: readonly string[],
  token: string | null,
  filter: DecisionFilter,
) {
  const silent: string[] = [];
  const all = await Promise.all(
    gateways.map(async (url) => {
      const found: ShownDecision[] = [];
      try {
        for await (const json of followDecisions({ url, token }, '', AbortSignal.timeout(askMs))) {
          const shown = shownOf(json, filter);
          if (shown !== null && 'id' in shown) found.push(shown);
        }
      } catch (error) {
        const said =
          error instanceof Error && error.name === 'Error' ? error.message : 'it cannot be reached';
        silent.push(`${url}: ${said}`);
      }
      return found;
    }),
  );
  const decisions = all
    .flat()
    .sort(({ cells: [a = ''] }, { cells: [b = ''] }) => (a < b ? 1 : a > b ? -1 : 0));
  return { decisions: decisions.slice(0, mostShown), silent };
}
