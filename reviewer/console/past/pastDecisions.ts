import { dayMs } from '../../../bundle/format/times.ts';
import { type Database, quoted, type Row } from '../../evidence/database.ts';

/** What is looked for; empty: anything. Instants in ms since 1970, both inclusive. */
export type PastFilter = Readonly<{
  answer: '' | 'allowed' | 'denied' | 'limited';
  who: string;
  api: string;
  operation: string;
  grant: string;
  reason: string;
  fromMs: number | null;
  untilMs: number | null;
}>;

export type PastDecision = {
  id: string;
  /** Ms since 1970. */
  atMs: number;
  answer: 'allowed' | 'denied' | 'limited';
  subject: string;
  api: string;
  operation: string;
  /** Method and path as the record has them: `GET /v1/orders/{orderId}`. */
  call: string;
  reason: string;
  grants: readonly string[];
  gateway: string;
  revision: string;
};

/** Where a page of decisions begins: behind this one. */
export type Place = { atMs: number; id: string };
const columns =
  'ms, decision_id, instance, subject, api, operation, call, allow, limited, reason, array_to_string(grants, chr(10)) AS grants, revision';

const list = (text: unknown): string[] =>
  String(text ?? '')
    .split('\n')
    .filter((one) => one !== '');

const decisionIn = (row: Row): PastDecision => ({
  ...{ id: String(row.decision_id), atMs: Number(row.ms) },
  answer: row.limited === true ? 'limited' : row.allow === true ? 'allowed' : 'denied',
  ...{
    subject: String(row.subject ?? ''),
    api: String(row.api ?? ''),
    operation: String(row.operation ?? ''),
  },
  ...{ call: String(row.call ?? ''), reason: String(row.reason ?? ''), grants: list(row.grants) },
  ...{ gateway: String(row.instance), revision: String(row.revision ?? '') },
});

const forms = (who: string) => [who, `user:${who}`, `service:${who}`].map(quoted).join(', ');
const answers = { allowed: 'allow AND NOT limited', denied: 'NOT allow', limited: 'allow AND limited' };

function conditions({ answer, who, api, operation, grant, reason }: PastFilter): string[] {
  const is = (column: string, text: string) => (text === '' ? [] : [`${column} = ${quoted(text)}`]);
  return [
    ...(answer === '' ? [] : [answers[answer]]),
    ...(who === '' ? [] : [`subject IN (${forms(who)})`]),
    ...[...is('api', api), ...is('operation', operation), ...is('reason', reason)],
    ...(grant === '' ? [] : [`list_contains(grants, ${quoted(grant)})`]),
  ];
}

type Span = { first: number; last: number; count: number };

/** Where decisions of a caller or by a grant are, the newest first; null where neither is asked for. */
async function spansOf({ read }: Pick<Database, 'read'>, { who, grant }: PastFilter): Promise<Span[] | null> {
  if (who === '' && grant === '') return null;
  const rows = await read(
    grant === ''
      ? `SELECT first, last, count FROM of_subject WHERE name IN (${forms(who)}) ORDER BY last DESC`
      : `SELECT min(first) AS first, max(last) AS last, sum(count)::BIGINT AS count FROM (
  SELECT first, last, count FROM daily WHERE "grant" = ${quoted(grant)}
  UNION ALL SELECT first, last, count FROM of_refused WHERE name = ${quoted(grant)}) GROUP BY first // ${dayMs} ORDER BY last DESC`,
  );
  return rows.map((row) => ({ first: Number(row.first), last: Number(row.last), count: Number(row.count) }));
}

/** A span at a time that holds `enough` if nothing else narrows it; then ever more of them at once. */
function* portions(spans: readonly Span[], enough: number): Generator<Span[]> {
  let some: Span[] = [];
  let [count, wanted] = [0, enough];
  for (const span of spans) {
    some.push(span);
    count += span.count;
    if (count < wanted) continue;
    yield some;
    [some, count, wanted] = [[], 0, wanted * 8];
  }
  if (some.length > 0) yield some;
}

/** The last day, the seven before it, and so on, back to the first. */
function* windows(first: number, last: number): Generator<Span[]> {
  for (let [to, days] = [last, 1]; to >= first; days *= 8) {
    const from = Math.max(first, to - days * dayMs);
    yield [{ first: from, last: to, count: 0 }];
    to = from - 1;
  }
}

/**
 * The newest decisions on record, `most` of them, from a place on; and whether there are more. Of a caller or a grant it
 * is known on which days there are some; else what is newest is mostly near the end, so that is looked at first.
 */
export async function findDecisions(
  database: Pick<Database, 'read'>,
  filter: PastFilter,
  { behind, most }: { behind: Place | null; most: number },
): Promise<{ decisions: PastDecision[]; more: boolean }> {
  const [edges] = await database.read('SELECT min(ms) AS first, max(ms) AS last FROM decision');
  const first = Math.max(Number(edges?.first ?? 0), filter.fromMs ?? Number.NEGATIVE_INFINITY);
  const last = Math.min(
    Number(edges?.last ?? -1),
    filter.untilMs ?? Number.POSITIVE_INFINITY,
    behind?.atMs ?? Infinity,
  );
  const spans = (await spansOf(database, filter))
    ?.filter((span) => span.first <= last && span.last >= first)
    .map((span) => ({ ...span, first: Math.max(span.first, first), last: Math.min(span.last, last) }));
  const where = [
    ...conditions(filter),
    ...(behind === null ? [] : [`(ms < ${behind.atMs} OR decision_id < ${quoted(behind.id)})`]),
  ];
  const found: PastDecision[] = [];
  for (const some of spans === undefined ? windows(first, last) : portions(spans, most + 1)) {
    // One look for each span, so that of all others nothing is read.
    const looks = some.map(
      (span) =>
        `SELECT ${columns} FROM decision WHERE ${[`ms BETWEEN ${span.first} AND ${span.last}`, ...where].join(' AND ')}`,
    );
    const rows = await database.read(
      `SELECT * FROM (${looks.join(' UNION ALL ')}) ORDER BY ms DESC, decision_id DESC LIMIT ${most + 1 - found.length}`,
    );
    found.push(...rows.map(decisionIn));
    if (found.length > most) break;
  }
  return { decisions: found.slice(0, most), more: found.length > most };
}

/** One decision; null for an id that no record has. */
export async function decisionOf({ read }: Pick<Database, 'read'>, id: string): Promise<PastDecision | null> {
  const [row] = await read(`SELECT ${columns} FROM decision WHERE decision_id = ${quoted(id)} LIMIT 1`);
  return row === undefined ? null : decisionIn(row);
}
