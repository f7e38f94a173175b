import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { random } from '../../demo/random.ts';
import { createUsageDay } from '../../gateway/record/usageDay.ts';

const dayMs = 86_400_000;
const asOfMs = Date.parse('2026-11-23T00:00:00Z');
const perFile = 100;
const operations = ['list', 'get', 'create', 'remove'];
/** Operation → what a request for it looks like in a record. */
const calls: Readonly<Record<string, readonly [method: string, path: string]>> = {
  list: ['GET', '/v1/things'],
  get: ['GET', '/v1/things/{id}'],
  create: ['POST', '/v1/things'],
  remove: ['DELETE', '/v1/things/{id}'],
};

export type Generated = { root: string; decisions: string; usage: string; asOfMs: number; bytes: number };
export type Size = {
  records: number;
  grants: number;
  days: number;
  rollups?: boolean;
  /** A commit to grants on each of the days, and records that tell of the newest; else all are of long before. */
  changes?: 'daily';
};

const api = (name: string) => `api: ${name}
description: What ${name} does
owner: group:desk
tier: medium
upstream: http://${name}.internal:8080
route: { prefix: /${name} }
operations: { list: GET /v1/things, get: "GET /v1/things/{id}", create: POST /v1/things, remove: "DELETE /v1/things/{id}" }
roles: { reader: [list, get], admin: [reader, create, remove] }
`;

const grantText = (index: number, granted: string) => `- id: grant-${index}
  principal: user:person-${index % 20_000}@example.com
  api: api-${Math.floor(index / perFile) % 20}
  role: ${index % 3 === 0 ? 'admin' : 'reader'}
  reason: Work of grant ${index}
  owner: group:desk
  granted: ${granted}
  review: { decision: keep, by: "group:desk", at: 2026-10-01T00:00:00Z, reason: Autumn }
`;

/**
 * A repository with some history, and decision logs of two gateways with every heartbeat, or the roll-ups that they
 * would make of them: a tenth of the grants idle.
 */
export async function generateReview(folder: string, size: Size): Promise<Generated> {
  const [root, decisions, usage] = places(folder);
  const revisions = await writeGrants(root, size);
  let bytes = 0;
  for (const instance of ['gw-1', 'gw-2']) {
    const one = { ...size, instance, records: size.records / 2, revisions };
    bytes += size.rollups
      ? await writeRollups(join(usage, instance), one)
      : await writeLogs(join(decisions, instance), one);
  }
  return { root, decisions, usage, asOfMs, bytes };
}

/** What {@link generateReview} made in a folder before. */
export const generatedIn = (folder: string): Generated => {
  const [root, decisions, usage] = places(folder);
  return { root, decisions, usage, asOfMs, bytes: 0 };
};

const places = (folder: string): [string, string, string] => [
  join(folder, 'access'),
  join(folder, 'decisions'),
  join(folder, 'usage'),
];

/** The commit in force on each day, counted back from the end; empty where grants do not change. */
async function writeGrants(root: string, { grants, days, changes }: Size): Promise<string[]> {
  const files = new Map<string, string>([
    ['grants/directory/okta.yaml', directory(Math.min(grants, 20_000))],
  ]);
  for (let index = 0; index < 20; index += 1) files.set(`grants/apis/api-${index}.yaml`, api(`api-${index}`));
  for (let from = 0; from < grants; from += perFile) {
    const many = Array.from({ length: Math.min(perFile, grants - from) }, (_, i) =>
      grantText(from + i, '2025-03-01'),
    );
    files.set(`grants/access/api-${Math.floor(from / perFile) % 20}/file-${from}.yaml`, many.join('\n'));
  }
  let date = '2026-01-02T00:00:00Z';
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=Ann', '-c', 'user.email=ann@example.com', ...args], {
      cwd: root,
      env: { ...process.env, GIT_COMMITTER_DATE: date, GIT_AUTHOR_DATE: date },
    });
  await mkdir(root, { recursive: true });
  git('init', '--quiet');
  // A commit that touches a file each, as merges do.
  const write = async (some: Iterable<[string, string]>) => {
    for (const [path, text] of some) {
      await mkdir(dirname(join(root, path)), { recursive: true });
      await writeFile(join(root, path), text);
    }
    git('add', '--all');
    git('commit', '--quiet', '--message', 'grants: change');
  };
  await write(files);
  const access = [...files].filter(([path]) => path.startsWith('grants/access/'));
  if (changes === undefined) {
    for (const [path, text] of access.slice(0, 100))
      await write([[path, text.replace('Work of', 'The work of')]]);
    return [];
  }
  const revisions: string[] = [];
  for (let day = days; day > 0; day -= 1) {
    const [path, text] = access[day % access.length] ?? ['', ''];
    date = new Date(asOfMs - day * dayMs).toISOString();
    // Of some grants the owner says that they are needed; one is taken away.
    const kept = text.replaceAll('at: 2026-10-01T00:00:00Z', `at: ${date}`);
    await write([[path, kept.replace(/^- id: (?:.+\n)+\n/, '')]]);
    revisions[day] = git('rev-parse', 'HEAD').toString().trim();
  }
  return revisions;
}

function directory(people: number): string {
  const logins = Array.from({ length: people }, (_, i) => `person-${i}@example.com`);
  return `provider: okta
synced: 2026-11-22T03:00:00Z
complete: true
people:
${logins.map((login, i) => `  - { login: ${login}, id: 00u${i}, status: active }\n`).join('')}groups:
  - { name: desk, members: ["user:person-0@example.com"] }
`;
}

type Log = { instance: string; records: number; grants: number; days: number; revisions: readonly string[] };

/** Minute after minute of each day: a heartbeat, and what was asked. */
function* minutesOf({ instance, records, grants, days, revisions }: Log, day: number, seq: { last: number }) {
  const draw = random(`bench ${instance} ${day}`);
  const from = asOfMs - day * dayMs;
  const perMinute = records / (days * 1440);
  for (let minute = 0; minute < 1440; minute += 1) {
    const at = from + minute * 60_000;
    const due = Math.floor(perMinute * ((days - day) * 1440 + minute + 1));
    const lines = [
      `${JSON.stringify({ heartbeat: true, timestamp: new Date(at).toISOString(), instance, seq: seq.last })}\n`,
    ];
    for (let place = 0; seq.last < due; place += 1) {
      seq.last += 1;
      const grant = draw.below(Math.ceil(grants * 0.9));
      const made = { instance, seq: seq.last, revision: revisions[day] };
      lines.push(line(made, at + (place % 60_000), grant, draw.below(10)));
    }
    yield lines;
  }
}

async function writeLogs(home: string, log: Log): Promise<number> {
  await mkdir(home, { recursive: true });
  const seq = { last: 0 };
  let bytes = 0;
  for (let day = log.days; day > 0; day -= 1) {
    const name = new Date(asOfMs - day * dayMs).toISOString().slice(0, 10);
    const file = createWriteStream(join(home, `${name}.ndjson`));
    for (const lines of minutesOf(log, day, seq)) {
      const text = lines.join('');
      bytes += text.length;
      if (!file.write(text)) await once(file, 'drain');
    }
    file.end();
    await once(file, 'close');
  }
  return bytes;
}

async function writeRollups(home: string, log: Log): Promise<number> {
  await mkdir(home, { recursive: true });
  const seq = { last: 0 };
  let bytes = 0;
  for (let day = log.days; day > 0; day -= 1) {
    const name = new Date(asOfMs - day * dayMs).toISOString().slice(0, 10);
    const counted = createUsageDay(name, log.instance);
    for (const lines of minutesOf(log, day, seq))
      for (const text of lines) {
        const entry = JSON.parse(text);
        counted.add(entry, entry.seq);
      }
    const text = [...counted.lines()].map((one) => `${JSON.stringify(one)}\n`).join('');
    bytes += text.length;
    await writeFile(join(home, `${name}.ndjson`), text);
  }
  return bytes;
}

type Made = { instance: string; seq: number; revision: string | undefined };

function line(
  { instance, seq, revision = '0123456789abcdef' }: Made,
  at: number,
  grant: number,
  dice: number,
): string {
  const operation = operations[grant % 3 === 0 && dice === 0 ? 2 : dice % 2] ?? 'get';
  const [method, path] = calls[operation] ?? [];
  return `{"timestamp":"${new Date(at).toISOString()}","decision_id":"${instance}-${seq}","instance":"${instance}","seq":${seq},"path":"grantgate/authz/decision","bundles":{"grantgate":{"revision":"${revision}"}},"input":{"subject":"user:person-${grant % 20_000}@example.com","groups":[],"api":"api-${Math.floor(grant / perFile) % 20}","operation":"${operation}","method":"${method}","path":"${path}","networks":[],"mfa":true,"time":${Math.floor(at / 1000)}},"result":{"allow":true,"grants":["grant-${grant}"],"reason":"granted"},"metrics":{"timer_rego_wasm_eval_ns":9000}}\n`;
}
