import type { Organisation } from '../../bundle/grants/organisation.ts';
import type { Observe, Observed } from '../detect/observed.ts';
import { type Database, inDatabase, type Row } from '../evidence/database.ts';
import { findLogs } from '../evidence/findLogs.ts';
import type { Evidence } from '../evidence/gather.ts';
import { fitNetworks, type Places } from './fitNetworks.ts';
import { fitPrincipal } from './fitPrincipal.ts';
import { type Busy, createRateTrial, isSafe, perMinute as minutely, ratesFor } from './fitRate.ts';
import { inOrder, perCaller, perGrant, perMinute, perPlace, useTable } from './observeSql.ts';

type Options = {
  evidence: Pick<Evidence, 'asOf' | 'organisation' | 'members' | 'usage'>;
  /** Folders, files and globs of decision logs. */
  decisions: readonly string[];
  signal?: AbortSignal | undefined;
};

/**
 * Reads from decision records what recommendations rest on, once the windows are known. What cannot be read is not seen,
 * and what is not seen whole recommends nothing: that is weighed by whoever asks. Throws ReviewError
 * `decisions-unreadable`, `aborted`.
 */
export function createObserve({ evidence, decisions, signal }: Options): Observe {
  return async (asked) => {
    const { asOf, usage } = evidence;
    const cut = new Set(usage.unreadable.map(({ file }) => file));
    const files = (await findLogs(decisions)).filter((file) => !cut.has(file));
    if (files.length === 0 || asked.length === 0) return new Map();
    return inDatabase('700MB', { files, signal }, async (database) => {
      await database.connection.run(useTable(files, asOf));
      await database.connection.run('CREATE TABLE win ("grant" VARCHAR, "from" BIGINT)');
      const appender = await database.connection.createAppender('win');
      for (const { grant, from } of asked) {
        appender.appendVarchar(grant);
        appender.appendBigInt(BigInt(Math.ceil(from * 1000)));
        appender.endRow();
      }
      appender.closeSync();
      return observedIn(database, evidence);
    });
  };
}

async function observedIn(
  database: Database,
  { organisation, members }: Pick<Evidence, 'organisation' | 'members'>,
): Promise<Map<string, Observed>> {
  const { recommend } = organisation.review.thresholds;
  const counts = byGrant(await database.read(perGrant));
  const places = byGrant(await database.read(perPlace));
  const callers = byGrant(await database.read(perCaller));
  const busy = byGrant(await database.read(perMinute));
  const declared = new Set(organisation.networks.keys());
  const found = new Map<string, Observed>();
  for (const grant of organisation.grants) {
    const [row] = counts.get(grant.id) ?? [];
    if (row === undefined) continue;
    const [minutes] = busy.get(grant.id) ?? [];
    const uses = Number(row.uses);
    const often = uses >= recommend.allows;
    const rate =
      often && minutes !== undefined && grant.limits?.rate === undefined
        ? await rateOf(
            database,
            grant.id,
            { usual: Number(minutes.usual), busiest: Number(minutes.busiest) },
            recommend,
          )
        : null;
    const most = organisation.apis.get(grant.api)?.limits?.rate;
    const networks = fitNetworks((places.get(grant.id) ?? []).map(placeOf), declared);
    const fitting = grant.principal.startsWith('group:')
      ? fitPrincipal(
          grant,
          (callers.get(grant.id) ?? []).map(({ subject }) => String(subject)),
          members,
        )
      : null;
    found.set(grant.id, {
      ...{ uses, days: Number(row.days), mfa: Number(row.mfa), ever: Number(row.ever) },
      ...{ first: Number(row.first) / 1000, last: Number(row.last) / 1000 },
      busiest: Number(minutes?.busiest ?? 0),
      ...(networks !== null && { networks }),
      ...(rate !== null && (most === undefined || minutely(rate) < minutely(most)) && { rate }),
      ...(fitting !== null && fitting),
    });
  }
  return found;
}

function byGrant(rows: readonly Row[]): Map<string, Row[]> {
  const found = new Map<string, Row[]>();
  for (const row of rows) {
    const known = found.get(String(row.grant));
    if (known) known.push(row);
    else found.set(String(row.grant), [row]);
  }
  return found;
}

function placeOf({ networks, uses }: Row): Places {
  const names: unknown = JSON.parse(String(networks));
  return {
    names: Array.isArray(names) ? names.filter((name) => typeof name === 'string') : [],
    uses: Number(uses),
  };
}

/** The lowest rate that would have refused nobody; null where none of those to try is. */
async function rateOf(
  database: Database,
  grant: string,
  busy: Busy,
  { rate_margin, rate_least }: Organisation['review']['thresholds']['recommend'],
): Promise<string | null> {
  for (const count of ratesFor(busy, rate_margin, rate_least)) {
    if (isSafe(count, busy)) return `${count}/min`;
    const admits = createRateTrial(count);
    const result = await database.connection.stream(inOrder(grant));
    let refused = false;
    for await (const rows of result.yieldRowsJs())
      for (const [subject, ms] of rows) refused ||= !admits(String(subject), Number(ms));
    if (!refused) return `${count}/min`;
  }
  return null;
}
