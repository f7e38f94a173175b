import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { beginRepository, commitAll } from './_repository.ts';

/** Path → content; null removes the file. */
export type Files = Readonly<Record<string, string | Buffer | null>>;

export type SampleTree = {
  /** A fresh folder holding `grants/`. */
  root: string;
  /** Writes (or removes) files, by path from the root. */
  write(files: Files): Promise<void>;
  /** Writes files and commits everything; answers the commit. Only for trees made with `git: true`. */
  commit(files?: Files, message?: string): Promise<string>;
  /** Removes the folder. */
  remove(): Promise<void>;
};

/** The sample: two APIs, four people, three groups, two services, two networks, five grants. Valid as it stands. */
export const sampleFiles: Readonly<Record<string, string>> = {
  'grants/apis/orders.yaml': `# Orders, the shop's heart
api: orders
description: Customer orders and invoices
owner: group:commerce
tier: high
upstream: http://orders.internal:8080
route: { prefix: /orders, strip: true }
operations:
  listOrders: GET /v1/orders
  getOrder: GET /v1/orders/{orderId}
  createOrder: POST /v1/orders
roles:
  reader: [listOrders, getOrder]
  editor: [reader, createOrder]
limits: { rate: 600/min }
`,
  'grants/apis/payments.yaml': `api: payments
description: Pays invoices
owner: group:billing
tier: critical
upstream: https://payments.internal
route: { host: payments.example.com }
openapi: ./payments.openapi.yaml
roles:
  payer: [createPayment]
  approver: [approvePayment]
`,
  'grants/apis/payments.openapi.yaml': `openapi: 3.1.0
info: { title: Payments, version: "1" }
paths:
  /payments:
    post: { operationId: createPayment }
  /payments/{paymentId}/approval:
    put: { operationId: approvePayment }
`,
  'grants/access/orders/billing.yaml': `- id: orders-billing-read
  principal: group:billing
  api: orders
  role: reader                # the nightly job reads only
  reason: Nightly invoice reconciliation
  ticket: FIN-2210
  owner: group:billing
  granted: 2026-03-01
  expires: 2027-02-28

- id: orders-ann-edit
  principal: user:ann@example.com
  api: orders
  operations: [createOrder]
  reason: Corrects orders by phone
  owner: user:dana@example.com
  granted: 2026-04-01T09:00:00Z
  conditions: { networks: [office], mfa: true }
  limits: { rate: 60/min }
`,
  'grants/access/orders/commerce.yaml': `- id: orders-invoicer-read
  principal: service:invoicer
  api: orders
  operations: [listOrders]
  reason: Writes invoices
  owner: group:commerce
  granted: 2026-01-01
  cadence: daily
- id: orders-commerce-edit
  principal: group:commerce
  api: orders
  role: editor
  reason: Runs the shop
  owner: group:commerce
  granted: 2026-01-01
  state: suspended
`,
  'grants/access/payments/billing.yaml': `- id: payments-billing-pay
  principal: group:billing
  api: payments
  role: payer
  reason: Pays suppliers
  owner: group:billing
  granted: 2026-02-01
`,
  'grants/directory/okta.yaml': `provider: okta
synced: 2026-11-23T03:00:00Z
complete: true
people:
  - { login: "ann@example.com", id: 00u1, status: active, manager: "dana@example.com" }
  - { login: "bob@example.com", id: 00u2, status: suspended }
  - { login: "cleo@example.com", id: 00u3, status: active, last_sign_in: 2026-11-20T08:12:44Z }
  - { login: "dana@example.com", id: 00u4, status: active }
groups:
  - { name: billing, members: ["user:ann@example.com", "service:invoicer", "group:finance"] }
  - { name: commerce, members: ["user:bob@example.com", "user:dana@example.com"] }
  - { name: finance, members: ["user:cleo@example.com"] }
`,
  'grants/directory/services.yaml': `services:
  - name: invoicer
    owner: group:billing
    state: active
    credentials:
      - jwt_subject: "https://login.example.com|invoicer"
      - api_key_sha256: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
  - name: mailer
    owner: group:commerce
    state: disabled
    credentials:
      - spiffe_id: "spiffe://example.com/mailer"
`,
  'grants/networks.yaml': `office: [192.0.2.0/25, 2001:db8:10::/48]
vpn: [198.51.100.0/24]
`,
  'grants/review.yaml': `separation_of_duties:
  - name: pay-and-approve
    left: { api: payments, operations: [createPayment] }
    right: { api: payments, operations: [approvePayment] }
exemptions:
  - { grant: orders-billing-read, detector: dormant, reason: "Year-end only", until: 2027-01-31 }
`,
};

/** When every commit of a sample tree was made: the same files give the same commit ids. */
const clock = '2026-11-23T10:00:00Z';

/** Neither the machine's configuration, nor hooks that nobody runs, nor a second process that looks for work. */
export const plainGit = {
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_TEMPLATE_DIR: '',
  GIT_CONFIG_COUNT: '1',
  GIT_CONFIG_KEY_0: 'maintenance.auto',
  GIT_CONFIG_VALUE_0: 'false',
} as const;

/** Git's surroundings in tests: Ann at an instant, untouched by the machine's configuration. */
export const annsGit = (home: string, at: string): NodeJS.ProcessEnv => ({
  PATH: process.env.PATH,
  HOME: home,
  ...plainGit,
  GIT_AUTHOR_NAME: 'Ann',
  GIT_AUTHOR_EMAIL: 'ann@example.com',
  GIT_COMMITTER_NAME: 'Ann',
  GIT_COMMITTER_EMAIL: 'ann@example.com',
  GIT_AUTHOR_DATE: at,
  GIT_COMMITTER_DATE: at,
});

/** Runs Git in a folder, as Ann at a fixed instant. */
export function runGit(folder: string, ...args: string[]): string {
  const env = annsGit(folder, clock);
  return execFileSync('git', args, { cwd: folder, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

/**
 * Writes the sample organisation into a fresh folder under the system's temporary one. `overrides` replace, add or
 * (null) leave out files. With `git: true` it is a repository on branch `main` with one commit.
 */
export async function sampleTree(
  overrides: Files = {},
  options: { git?: boolean } = {},
): Promise<SampleTree> {
  const root = await mkdtemp(join(tmpdir(), 'grantgate-sample-'));
  const write = async (files: Files) => {
    for (const [path, content] of Object.entries(files)) {
      const target = join(root, path);
      if (content === null) {
        await rm(target, { force: true });
        continue;
      }
      await mkdir(dirname(target), { recursive: true });
      await writeFile(target, content);
    }
  };
  const commit = async (files: Files = {}, message = 'grants: change') => {
    await write(files);
    return commitAll(root, message, clock);
  };
  await write({ ...sampleFiles, ...overrides });
  if (options.git) {
    beginRepository(root);
    await commit({}, 'grants: begin');
  }
  return { root, write, commit, remove: () => rm(root, { recursive: true, force: true }) };
}
