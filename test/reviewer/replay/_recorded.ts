import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RecordedRequest, Requests } from '../../../reviewer/evidence/requests.ts';
import { asOfMs, dayMs, type Place } from '../_review.ts';

/** A request on record; what is left out is as in most. */
export type Recorded = {
  subject?: string;
  api?: string;
  operation?: string;
  method?: string;
  path?: string;
  networks?: readonly string[];
  mfa?: boolean;
  groups?: readonly string[];
  groups_from?: 'token';
  allow?: boolean;
  grants?: readonly string[];
  status?: number;
  at?: number;
  times?: number;
  revision: string;
  /** Written instead of the record's input. */
  input?: unknown;
  timeOfWeek?: number;
  /** What a record says otherwise than any of ours. */
  asked?: Partial<RecordedRequest>;
};

const paths: Readonly<Record<string, string>> = {
  list: 'GET /v1/things',
  get: 'GET /v1/things/{id}',
  create: 'POST /v1/things',
  remove: 'DELETE /v1/things/{id}',
};

/** Requests as they come folded from the records of two days; `eraOf` says how networks were declared then. */
export function requestsOf(all: readonly Recorded[], eraOf: (revision: string) => number): Requests {
  const asked = all.map((one): RecordedRequest => {
    const { subject, groups, api, operation, method, path, networks, mfa, time } = inputOf(one);
    return {
      ...{ subject, api, operation, method, path, networks, mfa },
      groups: one.groups_from === undefined ? null : groups,
      ...{ era: eraOf(one.revision), timeOfWeek: one.timeOfWeek ?? null, allow: one.allow ?? true },
      ...{ requests: one.times ?? 1, first: time, last: time },
      ...{ params: {}, claims: {}, facts: {} },
      ...one.asked,
    };
  });
  return {
    window: {
      from: asOfMs / 1000 - 172_800,
      to: asOfMs / 1000,
      coverage: 1,
      lostMinutes: 0,
      instances: 1,
      files: 1,
    },
    records: asked.reduce((sum, { requests }) => sum + requests, 0),
    unreadable: 0,
    revisions: async () => [],
    fold: async () => {},
    async *each() {
      yield asked;
    },
    close: async () => {},
  };
}

/** Lines of one instance: the requests, the newest an hour ago, and a heartbeat each minute of `days` days. */
export function recordedLines(all: readonly Recorded[], { instance = 'gw-1', days = 2 } = {}): string[] {
  const lines: string[] = [];
  let seq = 0;
  for (let at = asOfMs - days * dayMs; at <= asOfMs; at += 60_000) {
    if (at === asOfMs - 3_600_000)
      for (const one of all)
        for (let time = 0; time < (one.times ?? 1); time += 1) lines.push(line(one, instance, ++seq));
    lines.push(JSON.stringify({ heartbeat: true, timestamp: new Date(at).toISOString(), instance, seq }));
  }
  return lines;
}

function inputOf(one: Recorded) {
  const {
    subject = 'user:ann@example.com',
    api = 'orders',
    operation = 'get',
    at = asOfMs - 3_600_000,
  } = one;
  const [method = '', path = ''] = (paths[operation] ?? 'GET /v1/other').split(' ');
  return {
    ...{ subject, groups: one.groups ?? [] },
    ...(one.groups_from && { groups_from: one.groups_from }),
    ...{ api, operation, method: one.method ?? method, path: one.path ?? path },
    ...{ networks: one.networks ?? [], mfa: one.mfa ?? false, time: Math.floor(at / 1000) },
  };
}

function line(one: Recorded, instance: string, seq: number): string {
  const { allow = true, grants = ['some'], status, at = asOfMs - 3_600_000 } = one;
  return JSON.stringify({
    timestamp: new Date(at).toISOString(),
    decision_id: `${instance}-${seq}`,
    ...{ instance, seq, path: 'grantgate/authz/decision' },
    bundles: { grantgate: { revision: one.revision } },
    input: 'input' in one ? one.input : inputOf(one),
    result: { allow, grants: allow ? grants : [], reason: allow ? 'granted' : 'no-grant' },
    ...(status !== undefined && { status }),
  });
}

/** Writes a log of its own; its folder is what to replay from. */
export async function writeLog(here: Place, name: string, lines: readonly string[]): Promise<string> {
  const folder = join(here.folder, 'logs', name);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, '2026-11-23.ndjson'), `${lines.join('\n')}\n`);
  return folder;
}
