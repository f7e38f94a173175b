import * as assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Synced } from '../../../reviewer/sync/sync.ts';
import { type SyncOptions, syncFolder } from '../../../reviewer/sync/syncProviders.ts';
import type { Suite } from '../../_suite.ts';
import { type Organisation, type Stub, serveGithub, serveGraph, serveOkta, serveScim } from './_providers.ts';

export const noon = Date.parse('2026-11-23T12:00:00Z');

const start = (): Organisation => ({
  people: [
    { id: '11', login: 'ann@example.com', manager: '12', lastSignIn: '2026-11-20T08:12:44.123Z' },
    { id: '12', login: 'dana@example.com' },
    { id: '13', login: 'bob@example.com', status: 'suspended', manager: '12' },
    { id: '14', login: 'cleo@example.com', manager: '12' },
    { id: '15', login: 'eve@example.com' },
  ],
  groups: [
    { id: '21', name: 'billing', people: ['11', '13', '14'], groups: ['22'] },
    { id: '22', name: 'finance', people: ['12'] },
    { id: '23', name: 'secret-project', people: ['15'] },
  ],
});

export const kinds = ['okta', 'entra', 'github', 'scim'] as const;
type Kind = (typeof kinds)[number];

/** What the providers have; the same again before each test. */
export const organisation = start();
export const refill = (): unknown => Object.assign(organisation, start());
export const stubs = {} as Record<Kind, Stub>;
const folders: string[] = [];

/** Lets a suite's tests sync with stubs of providers. */
export function withProviders(test: Suite): void {
  test.before(async () => {
    stubs.okta = await serveOkta(() => organisation);
    stubs.entra = await serveGraph(() => organisation);
    stubs.github = await serveGithub(() => organisation);
    stubs.scim = await serveScim(() => organisation);
  });
  test.before.each(() => {
    refill();
    for (const stub of Object.values(stubs)) {
      stub.fault = () => null;
      stub.between = () => {};
      stub.requests.length = 0;
      stub.credentials.length = 0;
    }
  });
  test.after(async () => {
    for (const stub of Object.values(stubs)) await stub.close();
    for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
  });
}

export const configs: Record<Kind, () => string> = {
  okta: () => `kind: okta\n    url: ${stubs.okta.url}\n    token: { env: TOKEN }`,
  entra: () =>
    `kind: entra\n    url: ${stubs.entra.url}\n    authority: ${stubs.entra.url}\n    tenant: t1\n    client: { id: c1, secret: { env: SECRET } }`,
  github: () =>
    `kind: github\n    url: ${stubs.github.url}/api/v3\n    organisation: northwind\n    token: { env: TOKEN }`,
  scim: () => `kind: scim\n    url: ${stubs.scim.url}/scim/v2\n    token: { env: TOKEN }`,
};
export type World = {
  root: string;
  run: (more?: Partial<SyncOptions> & { write?: boolean }) => Promise<Synced[]>;
};

/** A repository that syncs with one provider; the pauses it makes are noted and not waited for. */
export function world(kind: Kind, more = '', pauses: number[] = []): World {
  const root = mkdtempSync(join(tmpdir(), 'grantgate-sync-'));
  folders.push(root);
  mkdirSync(join(root, 'grants/apis'), { recursive: true });
  mkdirSync(join(root, 'grants/access/orders'), { recursive: true });
  writeFileSync(
    join(root, 'grants/apis/orders.yaml'),
    `api: orders\ndescription: Orders\nowner: group:billing\ntier: high\nupstream: http://orders.internal:8080\nroute: { prefix: /orders, strip: true }\noperations:\n  getOrder: GET /v1/orders/{orderId}\nroles:\n  reader: [getOrder]\n`,
  );
  writeFileSync(
    join(root, 'grants/access/orders/billing.yaml'),
    `- id: orders-billing-read\n  principal: group:billing\n  api: orders\n  role: reader\n  reason: Invoices\n  owner: group:billing\n  granted: 2026-03-01\n`,
  );
  writeFileSync(
    join(root, 'sync.yaml'),
    `providers:\n  - provider: ${kind}\n    ${configs[kind]()}\n${more}`,
  );
  return {
    root,
    run: ({ write = true, ...options } = {}) =>
      syncFolder(root, write, {
        configFile: join(root, 'sync.yaml'),
        only: [],
        env: { TOKEN: 'tok', SECRET: 'right' },
        now: () => noon,
        sleep: async (ms) => pauses.push(ms),
        ...options,
      }),
  };
}
export const fileOf = ({ root }: World, kind: Kind) =>
  readFileSync(join(root, `grants/directory/${kind}.yaml`), 'utf8');
export const one = async (world: World, options = {}): Promise<Synced> => {
  const [result] = await world.run(options);
  assert.ok(result);
  return result;
};
export const textOf = async (world: World) => String((await one(world)).bytes);
export const groupsOnly = '    groups: { include: [bill*] }\n';
