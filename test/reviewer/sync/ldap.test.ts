import * as assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import fc from 'fast-check';
import { dnKey, guidOf } from '../../../reviewer/sync/providers/ldapEntry.ts';
import type { Synced } from '../../../reviewer/sync/sync.ts';
import { syncFolder } from '../../../reviewer/sync/syncProviders.ts';
import { suite } from '../../_suite.ts';
import { makeCertificate } from '../../gateway/_certificates.ts';
import { type Entry, type LdapStub, serveLdap } from './_ldapServer.ts';

const test = suite('sync from LDAP');
const noon = Date.parse('2026-11-23T12:00:00Z');
const people = 'ou=people,dc=example,dc=com';
const groups = 'ou=groups,dc=example,dc=com';

const person = (name: string, more: Entry['attributes'] = {}): Entry => ({
  dn: `uid=${name},${people}`,
  attributes: {
    objectClass: ['inetOrgPerson'],
    entryUUID: [`id-${name}`],
    mail: [`${name}@example.com`],
    ...more,
  },
});
const group = (name: string, member: string[], more: Entry['attributes'] = {}): Entry => ({
  dn: `cn=${name},${groups}`,
  attributes: { objectClass: ['groupOfNames'], entryUUID: [`id-${name}`], cn: [name], member, ...more },
});
const start = (): Entry[] => [
  person('ann', { manager: [`UID=dana , OU=People,DC=example,DC=com`] }),
  person('dana'),
  person('bob', { pwdAccountLockedTime: ['000001010000Z'] }),
  person('cleo', { pwdAccountLockedTime: ['20261120081244Z'] }),
  person('eve', { nsAccountLock: ['TRUE'] }),
  { dn: `uid=robot,${people}`, attributes: { objectClass: ['inetOrgPerson'], entryUUID: ['id-robot'] } },
  group('billing', [`uid=ann,${people}`, `uid=bob,${people}`, `cn=finance,${groups}`, `cn=gone,${people}`]),
  group('finance', [`uid=dana,${people}`]),
  group('secret-project', [`uid=eve,${people}`]),
];

let stub: LdapStub;
const folders: string[] = [];
test.before(async () => {
  stub = await serveLdap();
});
test.before.each(() => {
  Object.assign(stub, {
    entries: start(),
    password: 'right',
    mostValues: 1000,
    pageSize: 2,
    emptyPages: false,
  });
  stub.fault = () => null;
  stub.asked.length = 0;
});
test.after(async () => {
  await stub.close();
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

const config = (more = '', address = `ldap://127.0.0.1:${stub.port}`) =>
  `providers:\n  - provider: ldap\n    kind: ldap\n    url: ${address}\n    bind: { dn: cn=reader, password: { env: PASSWORD } }\n    people_base: ${people}\n    groups_base: ${groups}\n${more}`;

function world(more = '', address?: string) {
  const root = mkdtempSync(join(tmpdir(), 'grantgate-ldap-'));
  folders.push(root);
  mkdirSync(join(root, 'grants/apis'), { recursive: true });
  writeFileSync(
    join(root, 'grants/apis/a.yaml'),
    'api: a\ndescription: A\nowner: group:billing\ntier: low\nupstream: http://a.internal\nroute: { prefix: /a }\noperations: { get: GET / }\n',
  );
  writeFileSync(join(root, 'sync.yaml'), config(more, address));
  return {
    run: async (options: { env?: NodeJS.ProcessEnv; signal?: AbortSignal } = {}): Promise<Synced> => {
      const [one] = await syncFolder(root, true, {
        configFile: join(root, 'sync.yaml'),
        only: [],
        env: { PASSWORD: 'right' },
        now: () => noon,
        ...options,
      });
      assert.ok(one);
      return one;
    },
    file: () => readFileSync(join(root, 'grants/directory/ldap.yaml'), 'utf8'),
  };
}

test('writes what the directory has: every page, nested groups, managers by login, who is closed', async () => {
  const here = world('    groups: { include: [bill*] }\n');
  const { notes } = await here.run();
  assert.equal(
    here.file(),
    `# yaml-language-server: $schema=../schema/directory.json
# Written by \`grantgate sync\`: the next sync overwrites what is changed here by hand.
provider: ldap
synced: 2026-11-23T12:00:00Z
complete: true
people:
  - login: "ann@example.com"
    id: "id-ann"
    status: active
    manager: "dana@example.com"
  - login: "bob@example.com"
    id: "id-bob"
    status: suspended
  - login: "cleo@example.com"
    id: "id-cleo"
    status: active
  - login: "dana@example.com"
    id: "id-dana"
    status: active
  - login: "eve@example.com"
    id: "id-eve"
    status: suspended
groups:
  - name: billing
    id: "id-billing"
    members:
      - "group:finance"
      - "user:ann@example.com"
      - "user:bob@example.com"
  - name: finance
    id: "id-finance"
    members:
      - "user:dana@example.com"
`,
  );
  assert.deepEqual(notes, [
    '1 accounts have no mail and were left out',
    '1 members of groups are neither people nor groups that are read, and were left out',
  ]);
  assert.equal((await here.run()).due, false);
});

test('a page without entries is not the end', async () => {
  stub.emptyPages = true;
  assert.equal((await world().run()).people, 5);
});

test('reads Active Directory: identifiers in its byte order, disabled accounts, members in ranges', async () => {
  const guid = Buffer.from('00112233445566778899aabbccddeeff', 'hex');
  const many = Array.from({ length: 7 }, (_, n) => `p${n}`);
  const account = (name: string, n: number, control: number): Entry => ({
    dn: `CN=${name},${people}`,
    attributes: {
      objectClass: ['user'],
      objectGUID: [Buffer.from([...guid.subarray(0, 15), n])],
      userPrincipalName: [`${name}@example.com`],
      userAccountControl: [String(control)],
      lastLogonTimestamp: ['133769059640000000'],
    },
  });
  stub.entries = [
    ...many.map((name, n) => account(name, n, n === 3 ? 514 : 512)),
    {
      dn: `CN=all,${groups}`,
      attributes: {
        objectClass: ['group'],
        objectGUID: [guid],
        cn: ['all'],
        member: many.map((name) => `CN=${name},${people}`),
      },
    },
  ];
  stub.mostValues = 3;
  const here = world(
    '    id: objectGUID\n    login: userPrincipalName\n    people_filter: (objectClass=user)\n    groups_filter: (objectClass=group)\n',
  );
  await here.run();
  assert.match(
    here.file(),
    /"p3@example.com"\n {4}id: "33221100-5544-7766-8899-aabbccddee03"\n {4}status: suspended/,
  );
  assert.equal(here.file().match(/ {6}- "user:p/g)?.length, 7);
  assert.match(here.file(), /last_sign_in: 2024-11-24T07:12:44Z/);
  // A part that does not come is no shorter list.
  stub.fault = (base) => (base.startsWith('CN=all') ? { result: 32 } : null);
  await assert.rejects(here.run(), { code: 'sync-not-found' });
});

test('whatever is no whole answer is refused, and nothing is written', async () => {
  const here = world();
  await here.run();
  const before = here.file();
  stub.entries = [...start(), person('new')];
  const refused = async (fault: ReturnType<LdapStub['fault']>, code: string) => {
    for (let at = 1; at <= 5; at += 1) {
      let number = 0;
      stub.fault = () => {
        number += 1;
        return number === at ? fault : null;
      };
      await assert.rejects(here.run(), (error: Error & { code: string }) => {
        assert.equal(error.code, code, `${JSON.stringify(fault)} at ${at}: ${error.message}`);
        assert.doesNotMatch(error.message, /secret/);
        return true;
      });
    }
    assert.equal(here.file(), before);
  };
  // Limits on size and time, and what an administrator limits, come with entries that look right.
  for (const result of [3, 4, 11]) await refused({ result }, 'sync-incomplete');
  await refused({ result: 10 }, 'sync-incomplete');
  await refused({ result: 50 }, 'sync-forbidden');
  await refused({ result: 32 }, 'sync-not-found');
  await refused({ noControl: true }, 'sync-answer');
  await refused({ cut: true }, 'sync-unreachable');
  for (const raw of [
    'HTTP/1.1 400 Bad Request\r\n\r\n',
    '\x30\x84\xff\xff\xff\xff\x02\x01\x01',
    '\x30\x80\x00\x00',
  ])
    await refused({ raw: Buffer.from(raw, 'latin1') }, 'sync-answer');
  stub.fault = () => null;
  await here.run();
  assert.notEqual(here.file(), before);
});

test('references to other servers are not followed, and said', async () => {
  stub.fault = () => ({ references: ['ldap://elsewhere.example.com/dc=x'] });
  const { notes } = await world().run();
  assert.match(notes.join(), /references to other servers were not followed/);
});

test('a password that is not taken is said; without one nobody is asked', async () => {
  stub.password = 'other';
  await assert.rejects(world().run(), { code: 'sync-unauthorized' });
  stub.asked.length = 0;
  await assert.rejects(world().run({ env: { PASSWORD: ' ' } }), { code: 'sync-config' });
  assert.deepEqual(stub.asked, []);
});

test('an entry without the id that it should have, or that of another, is refused', async () => {
  const [ann] = stub.entries;
  assert.ok(ann);
  delete ann.attributes.entryUUID;
  await assert.rejects(world().run(), { code: 'sync-answer' });
  await assert.rejects(world('    id: objectGUID\n').run(), { code: 'sync-answer' });
  ann.attributes.entryUUID = ['id-dana'];
  await assert.rejects(world().run(), /two entries have the entryUUID "id-dana"/);
});

test('a password goes over encrypted connections only', async () => {
  const refused = (address: string, more: string, expected: RegExp) =>
    assert.rejects(world(more, address).run(), (error: Error & { code: string }) => {
      assert.equal(error.code, 'sync-config');
      assert.match(error.message, expected);
      return true;
    });
  await refused('ldap://ldap.example.com', '', /needs an ldaps address, or "start_tls"/);
  await refused('ldaps://ldap.example.com', '    start_tls: true\n', /encrypted/);
  await refused('http://ldap.example.com', '', /must be an ldaps address/);
  await refused('ldaps://ann:hunter2@ldap.example.com', '', /must hold a host and a port only/);
  await refused('ldaps://ldap.example.com', '    people_filter: (((\n', /must be a filter of LDAP/);
  // StartTLS is asked for before the password is told, and a server that will not is not told it.
  await assert.rejects(world('    start_tls: true\n').run(), { code: 'sync-incomplete' });
  assert.deepEqual(stub.asked, ['starttls']);
});

test('encrypted from the start or by StartTLS: nothing is said to whom no authority vouches for', async () => {
  const authority = makeCertificate({ subject: [['CN', 'ca']], authority: true });
  const usage = 'server';
  const own = makeCertificate({ subject: [['CN', 's']], issuer: authority, ips: ['127.0.0.1'], usage });
  const foreign = makeCertificate({
    subject: [['CN', 's']],
    issuer: authority,
    dns: ['else.example'],
    usage,
  });
  const known = getCACertificates('default');
  const ways = [
    { scheme: 'ldaps', ldaps: true, more: '' },
    { scheme: 'ldap', ldaps: false, more: '    start_tls: true\n' },
  ];
  try {
    for (const { scheme, ldaps, more } of ways)
      for (const [certificate, authorities, taken] of [
        [own, [], false],
        [foreign, [authority.cert], false],
        [own, [authority.cert], true],
      ] as const) {
        setDefaultCACertificates([...known, ...authorities]);
        const server = await serveLdap(certificate, ldaps);
        server.entries = start();
        const here = world(more, `${scheme}://127.0.0.1:${server.port}`);
        if (taken) assert.equal((await here.run()).people, 5);
        else await assert.rejects(here.run(), { code: 'sync-unreachable' });
        const asked = server.asked.filter((line) => line !== 'starttls');
        assert.equal(asked.length > 0, taken, scheme);
        assert.ok(
          asked.every((line) => line.startsWith('tls ')),
          asked.join(),
        );
        await server.close();
      }
  } finally {
    setDefaultCACertificates(known);
  }
});

test('bytes that are no LDAP end the sync, whatever they are', async () => {
  let raw = Buffer.alloc(0);
  stub.fault = () => ({ raw });
  const here = world();
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 40 }), async (bytes) => {
      // Of a message that says it is longer than it is, the rest is waited for: so there is always enough.
      raw = Buffer.concat([Buffer.from([0x30, 3]), Buffer.from(bytes), Buffer.alloc(300, 0x31)]);
      await assert.rejects(here.run(), (error: Error & { code: string }) => {
        assert.match(error.code, /^sync-/);
        return true;
      });
    }),
    { numRuns: 30 },
  );
});

test('distinguished names are the same however they are written', () => {
  const same = [
    ['uid=Ann,ou=People', 'UID=ann , OU=people'],
    ['cn=Smith\\, Ann,dc=x', 'CN=Smith\\2C Ann,DC=x'],
    ['cn=J\\C3\\BCrg,dc=x', 'cn=jürg,dc=x'],
  ] as const;
  for (const [one, other] of same) assert.equal(dnKey(one), dnKey(other));
  assert.notEqual(dnKey('cn=a\\,ou=b'), dnKey('cn=a,ou=b'));
  assert.notEqual(dnKey('cn=a b,dc=x'), dnKey('cn=ab,dc=x'));
  assert.equal(guidOf(Buffer.alloc(15)), null);
});
