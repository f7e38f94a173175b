import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { findOpa, type Opa } from '../../bundle/policy/opa.ts';
import { type ReviewResult, review } from '../../reviewer/review.ts';
import type { Suite } from '../_suite.ts';
import { annsGit } from '../bundle/_organisation.ts';
import { beginRepository, commitAll } from '../bundle/_repository.ts';

/** The instant every review here judges at: noon, so that days cut across it. */
export const asOfMs = Date.parse('2026-11-23T12:00:00Z');
const minuteMs = 60_000;
export const dayMs = 86_400_000;

/** An instant so many days before `asOfMs`, as grants are written. */
export const daysAgo = (days: number, ms = 0): string => new Date(asOfMs - days * dayMs + ms).toISOString();

/** Path → content; null removes the file. */
export type Files = Readonly<Record<string, string | null>>;

/** Small windows keep the recorded past short; every criterion's own numbers are tested beside its rule. */
export const rules = `thresholds:
  never_used: { days: 2 }
  dormant: { days: 3, days_high: 2, revoke_after_days: 2 }
  over_privileged: { days: 3, unused_share: 0.5, unused_operations: 2, allows: 4, days_used: 2 }
  brake: 1
pull_requests: { consent: true, open: 10, per_hour: 10 }
`;

const api = (name: string, tier: string) => `api: ${name}
description: What ${name} does
owner: group:desk
tier: ${tier}
upstream: http://${name}.internal:8080
route: { prefix: /${name} }
operations:
  list: GET /v1/things
  get: GET /v1/things/{id}
  create: POST /v1/things
  remove: DELETE /v1/things/{id}
roles:
  reader: [list, get]
  editor: [reader, create]
  admin: [editor, remove]
`;

export const base: Files = {
  'grants/apis/orders.yaml': api('orders', 'medium'),
  'grants/apis/payments.yaml': api('payments', 'high'),
  'grants/directory/okta.yaml': `provider: okta
synced: 2026-11-23T03:00:00Z
complete: true
people:
  - { login: ann@example.com, id: 00u1, status: active }
  - { login: bob@example.com, id: 00u2, status: suspended }
  - { login: cleo@example.com, id: 00u3, status: deprovisioned }
  - { login: dana@example.com, id: 00u4, status: active }
groups:
  - { name: desk, members: ["user:ann@example.com", "user:bob@example.com", "group:night"] }
  - { name: night, members: ["user:dana@example.com"] }
`,
  'grants/directory/services.yaml': `services:
  - { name: invoicer, owner: group:desk, state: active }
  - { name: mailer, owner: group:desk, state: disabled }
`,
  'grants/review.yaml': rules,
};

/** The directory with more groups, all of dana's: who owns something is somebody. */
export const withGroups = (...names: readonly string[]): Files => ({
  'grants/directory/okta.yaml': `${base['grants/directory/okta.yaml']}${names
    .map((name) => `  - { name: ${name}, members: ["user:dana@example.com"] }\n`)
    .join('')}`,
});

export type GrantText = { id: string; principal?: string; api?: string; owner?: string; rest?: string };

/** A grant's entry; an old, ordinary one unless said otherwise. */
export function grantEntry({ id, principal, api: of, owner, rest = 'role: reader' }: GrantText): string {
  const granted = rest.includes('granted:') ? '' : `\n  granted: ${daysAgo(40)}`;
  return `- id: ${id}
  principal: ${principal ?? 'user:ann@example.com'}
  api: ${of ?? 'orders'}
  reason: Because of ${id}
  owner: ${owner ?? 'group:desk'}${granted}
  ${rest.replaceAll('\n', '\n  ')}
`;
}

/** Access files by API and file name, one entry after another. */
export function access(grants: readonly GrantText[]): Files {
  const files: Record<string, string> = {};
  for (const grant of grants) {
    const path = `grants/access/${grant.api ?? 'orders'}/${(grant.owner ?? 'group:desk').replace(/[^a-z]+/g, '-')}.yaml`;
    files[path] = files[path] === undefined ? grantEntry(grant) : `${files[path]}\n${grantEntry(grant)}`;
  }
  return files;
}

export type Use = {
  grant: string | readonly string[];
  operation?: string;
  at: number;
  status?: number;
  allow?: boolean;
  /** Those of the token; left out, the directory's count. */
  groups?: readonly string[];
  subject?: string;
};

/** Uses of a grant's operations at hourly steps, the newest `until` days ago, each day back for `days` days. */
export function uses(grant: string, operations: readonly string[], days: number, until = 0.1): Use[] {
  return Array.from({ length: days }, (_, day) =>
    operations.map((operation, i) => ({ grant, operation, at: asOfMs - (until + day) * dayMs - i * 1000 })),
  ).flat();
}

const dates = new Map<number, string>();
const times = new Map<number, string>();
/** What a full minute's instant is written as: of months of them, each date and each time of day is worked out once. */
const dateOf = (ms: number) =>
  remember(dates, Math.floor(ms / dayMs), () => new Date(ms).toISOString().slice(0, 10));
const timeOf = (ms: number) => remember(times, ms % dayMs, () => new Date(ms).toISOString().slice(11));
function remember(known: Map<number, string>, key: number, make: () => string): string {
  const text = known.get(key) ?? make();
  known.set(key, text);
  return text;
}

/** Decision log lines of one instance: the uses in order of time, and a heartbeat in each minute of `days` days. */
export function logLines(
  used: readonly Use[],
  options: {
    instance?: string;
    days?: number;
    until?: number;
    skip?: (minute: number) => boolean;
    line?: typeof recordLine;
  } = {},
): string[] {
  const { instance = 'gw-1', days = 6, until = asOfMs, skip = () => false, line = recordLine } = options;
  const sorted = [...used].sort((a, b) => a.at - b.at);
  const lines: string[] = [];
  let seq = 0;
  let next = 0;
  for (let at = Math.floor((asOfMs - days * dayMs) / minuteMs) * minuteMs; at <= until; at += minuteMs) {
    for (let use = sorted[next]; use !== undefined && use.at < at; use = sorted[++next])
      lines.push(line(use, instance, ++seq));
    if (!skip(Math.floor((asOfMs - at) / minuteMs)))
      lines.push(
        `{"heartbeat":true,"timestamp":"${dateOf(at)}T${timeOf(at)}","instance":"${instance}","seq":${seq}}`,
      );
  }
  for (const use of sorted.slice(next)) lines.push(line(use, instance, ++seq));
  return lines;
}

export function recordLine(use: Use, instance: string, seq: number): string {
  const {
    grant,
    operation = 'get',
    at,
    status,
    allow = true,
    groups,
    subject = 'user:ann@example.com',
  } = use;
  return JSON.stringify({
    timestamp: new Date(at).toISOString(),
    decision_id: `${instance}-${seq}`,
    instance,
    seq,
    path: 'grantgate/authz/decision',
    bundles: { grantgate: { revision: 'abc' } },
    input: {
      subject,
      groups: groups ?? [],
      ...(groups && { groups_from: 'token' }),
      api: 'orders',
      operation,
      method: 'GET',
      path: '/',
      networks: [],
      mfa: false,
      time: Math.floor(at / 1000),
    },
    result: {
      allow,
      grants: typeof grant === 'string' ? [grant] : grant,
      reason: allow ? 'granted' : 'no-grant',
    },
    ...(status !== undefined && { status }),
  });
}

export type Place = {
  folder: string;
  opa: Opa;
  /** A Git work tree with the organisation. */
  root: string;
  decisions: string;
  git: (...args: string[]) => string;
  write: (files: Files) => Promise<void>;
  /** Commits what was written, at an instant. */
  commit: (files: Files, at?: string) => Promise<string>;
  /** Writes an instance's log. */
  log: (lines: readonly string[], instance?: string) => Promise<void>;
  review: (options?: Partial<Parameters<typeof review>[0]>) => Promise<ReviewResult>;
  remove: () => Promise<void>;
};

/** Looked for once: asking it for its version takes longer than most of what is asked of it. */
let opaHere: Promise<Opa> | null = null;

/** A fresh organisation in Git, granted long ago, without any record yet. */
export async function place(files: Files): Promise<Place> {
  const folder = await mkdtemp(join(tmpdir(), 'grantgate-reviewer-'));
  const [root, decisions] = [join(folder, 'access'), join(folder, 'decisions')];
  const write = async (changes: Files) => {
    for (const [path, content] of Object.entries(changes)) {
      await mkdir(dirname(join(root, path)), { recursive: true });
      if (content === null) await rm(join(root, path), { force: true });
      else await writeFile(join(root, path), content);
    }
  };
  const clock = { at: daysAgo(40) };
  const git = (...args: string[]) =>
    execFileSync('git', args, {
      cwd: root,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
      env: annsGit(folder, clock.at),
    });
  const commit = async (changes: Files, at = daysAgo(40)) => {
    clock.at = at;
    await write(changes);
    return commitAll(root, 'grants: change', at);
  };
  await mkdir(root, { recursive: true });
  beginRepository(root);
  await commit({ ...base, ...files });
  opaHere ??= findOpa();
  const opa = await opaHere;
  return {
    folder,
    opa,
    root,
    decisions,
    git,
    write,
    commit,
    async log(lines, instance = 'gw-1') {
      await mkdir(join(decisions, instance), { recursive: true });
      await writeFile(join(decisions, instance, '2026-11-23.ndjson'), `${lines.join('\n')}\n`);
    },
    review: (options = {}) => review({ root, decisions: [decisions], asOfMs, opa, ...options }),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

/** What a plan reports, as `grant: detector action`, with what else was found in brackets. */
export const found = ({ plan }: ReviewResult): string[] =>
  plan.findings.map(
    ({ grant, detector, action, also }) =>
      `${grant}: ${detector} ${action}${also === undefined ? '' : ` [${also.join(', ')}]`}`,
  );

/** Begins the repositories of a suite, one for each of its tests, and removes each after it. */
export function organisationsOf(
  test: Suite,
): (grants: readonly GrantText[], files?: Files) => Promise<Place> {
  let open: Place | null = null;
  test.after.each(async () => {
    await open?.remove();
    open = null;
  });
  return async (grants, files = {}) => {
    open = await place({ ...access(grants), ...files });
    return open;
  };
}
