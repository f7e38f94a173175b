import { ulid } from 'ulid';
import { dayMs } from '../bundle/format/times.ts';
import type { Organisation } from '../bundle/grants/organisation.ts';
import { decisionPath } from '../bundle/policy/policies.ts';
import type { DecisionRecord } from '../gateway/record/record.ts';
import { openRecordWriter, type RecordWriter } from '../gateway/record/recordWriter.ts';
import { type PastRequest, pastRequests } from './pastRequests.ts';
import { random } from './random.ts';

const minuteMs = 60_000;

export type HistoryOptions = {
  /** The `decisions` folder: each instance gets a folder in it. */
  folder: string;
  /** A folder for the usage rollup, counted from the records at the end; left out, none is kept. */
  usage?: string;
  organisation: Organisation;
  /** Where the history ends, ms since 1970. The days before today are whole; today's records end here. */
  now: number;
  /** Whole days before today; 120 when left out. */
  days?: number;
  seed?: string;
  /** What `bundles.grantgate.revision` says: one revision, or the one in force at an instant (ms). */
  revision: string | ((at: number) => string);
  instances?: readonly string[];
};

export type History = { records: number; allowed: number; denied: number; from: number; to: number };

/**
 * Writes decisions as gateways would have recorded them, through the gateway's own writer, with a heartbeat of every
 * instance in every minute. The same options give the same bytes. Existing records in `folder` are gone on from, so
 * give it a fresh one. Throws RecordError.
 */
export function writeHistory(options: HistoryOptions): History {
  const { folder, usage, organisation, now, days = 120, seed = 'northwind' } = options;
  const { instances = ['gw-1', 'gw-2'] } = options;
  const revisionAt = typeof options.revision === 'string' ? () => String(options.revision) : options.revision;
  const today = Math.floor(now / dayMs) * dayMs;
  const from = today - days * dayMs;
  const requestsOf = pastRequests(organisation, { seed, today });
  const clock = { now: from };
  const writers = instances.map((instance) => openRecordWriter({ folder, instance, now: () => clock.now }));
  const history = { records: 0, allowed: 0, denied: 0, from, to: now };
  try {
    for (let day = from; day <= now; day += dayMs) {
      const draw = random(`${seed} records ${day}`);
      const shares: PastRequest[][] = instances.map(() => []);
      for (const request of requestsOf(day)) {
        if (request.at > now) continue;
        shares[draw.below(shares.length)]?.push(request);
        history.records += 1;
        history[request.result.allow ? 'allowed' : 'denied'] += 1;
      }
      writers.forEach((writer, i) => {
        const records = (shares[i] ?? []).map((request) => ({
          at: request.at,
          record: recordOf(request, revisionAt(request.at), draw),
        }));
        writeDay(writer, records, { from: day, to: Math.min(day + dayMs - 1, now) }, clock);
      });
    }
  } finally {
    for (const writer of writers) writer.close();
  }
  // The writer counts again what it finds when it opens, and far faster than minute by minute.
  if (usage !== undefined)
    for (const instance of instances) openRecordWriter({ folder, usage, instance, now: () => now }).close();
  return history;
}

type Record = Omit<DecisionRecord, 'instance' | 'seq'>;

/** Records and heartbeats of one instance and day in the order of time. */
function writeDay(
  writer: RecordWriter,
  records: readonly { at: number; record: Record }[],
  { from, to }: { from: number; to: number },
  clock: { now: number },
): void {
  let next = 0;
  for (let minute = from; minute <= to; minute += minuteMs) {
    for (let one = records[next]; one !== undefined && one.at < minute; one = records[next]) {
      writer.write(one.record);
      next += 1;
    }
    clock.now = minute;
    writer.heartbeat();
    // The file begins with the day, not when the rest of it is written: its first line is stamped then.
    if (minute === from) writer.flush();
  }
  for (const { record } of records.slice(next)) writer.write(record);
  clock.now = to;
  writer.flush();
}

function recordOf(
  { at, input, result, limited }: PastRequest,
  revision: string,
  draw: ReturnType<typeof random>,
): Record {
  // As at the gateway: a request that is forwarded is recorded before its answer is known.
  const status = limited ? { status: 429 } : result.allow ? {} : { status: 403 };
  return {
    timestamp: new Date(at).toISOString(),
    decision_id: ulid(at, draw.next),
    path: decisionPath,
    bundles: { grantgate: { revision } },
    input,
    result,
    ...status,
    metrics: { timer_rego_wasm_eval_ns: 9_000 + draw.below(12_000) },
  };
}
