// A large organisation, the same for the same size and seed: grants in files of 200, spread over APIs, groups,
// services and people with the skew that real ones have. A few principals hold thousands of grants.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type Random, random } from '../../demo/random.ts';

export type Sizes = { grants: number; apis: number; people: number; groups: number; services: number };

const perFile = 200;
const between = (least: number, value: number, most: number) => Math.min(most, Math.max(least, value));

/** How many of each belong to that many grants. */
export function sizesOf(grants: number): Sizes {
  const share = (of: number) => Math.ceil(grants / of);
  return {
    grants,
    apis: between(10, share(4000), 250),
    people: between(200, share(25), 40_000),
    groups: between(60, share(100), 10_000),
    services: between(10, share(1000), 1000),
  };
}

/** People with a grant of their own each, in a file of its own: one keeps it, one loses and gets it back. */
export const steady = 'steady@example.com';
export const target = 'target@example.com';
/** In fifty groups, each of which holds a grant of the first API. */
export const joiner = 'joiner@example.com';

const personOf = (index: number) => `person-${String(index).padStart(5, '0')}@example.com`;
export const apiOf = (index: number) => `api-${String(index).padStart(4, '0')}`;

const resources = ['orders', 'invoices', 'shipments', 'customers', 'reports'];

/** Its operations: `listOrders`, `getOrders`, `createOrders` and so on. */
function apiFile(index: number, upstream: string): string {
  const operations = resources.flatMap((name) => {
    const suffix = name.charAt(0).toUpperCase() + name.slice(1);
    return [
      `  list${suffix}: GET /v1/${name}`,
      `  get${suffix}: GET /v1/${name}/{id}`,
      `  create${suffix}: POST /v1/${name}`,
    ];
  });
  const of = (verb: string) =>
    resources.map((name) => verb + name.charAt(0).toUpperCase() + name.slice(1)).join(', ');
  return `api: ${apiOf(index)}
description: Number ${index} of the APIs of the bench
owner: group:team-0000
tier: ${['low', 'medium', 'high', 'critical'][index % 4]}
upstream: ${upstream}
route: { prefix: /${apiOf(index)}, strip: true }
operations:
${operations.join('\n')}
roles:
  lister: [${of('list')}]
  reader: [lister, ${of('get')}]
  editor: [reader, ${of('create')}]
`;
}

const teamOf = (index: number) => `team-${String(index).padStart(4, '0')}`;
const serviceOf = (index: number) => `job-${String(index).padStart(4, '0')}`;
/** Low numbers come up far more often. */
const skewed = (numbers: Random, below: number) => Math.floor(below * numbers.next() ** 3);

/** One grant; `number` makes its id unique. */
function grantText(number: number, api: string, principal: string, numbers: Random): string {
  const expires = numbers.chance(0.7) ? `  expires: 2027-0${1 + numbers.below(9)}-15\n` : '';
  const networks = numbers.chance(0.1) ? '  conditions: { networks: [office], mfa: true }\n' : '';
  const access = numbers.chance(0.8)
    ? `role: ${numbers.pick(['lister', 'reader', 'reader', 'editor'])}`
    : 'operations: [listOrders, getOrders]';
  return `- id: ${api}-grant-${number}
  principal: ${principal}
  api: ${api}
  ${access}
  reason: Needed by the nightly job number ${numbers.below(1000)}
  ticket: OPS-${1 + numbers.below(99_999)}
  owner: group:${teamOf(numbers.below(60))}
  granted: 2026-0${1 + numbers.below(9)}-01
${expires}${networks}`;
}

const joined = Array.from({ length: 50 }, (_, index) => `joined-${String(index).padStart(2, '0')}`);

function directoryFile({ people, groups }: Sizes, numbers: Random): string {
  const logins = [...Array.from({ length: people }, (_, index) => personOf(index)), steady, target, joiner];
  const persons = logins.map((login) => `  - { login: "${login}", id: "id of ${login}", status: active }\n`);
  const teams = Array.from({ length: groups }, (_, index) => {
    const members = new Set<string>();
    for (let count = 3 + numbers.below(20); count > 0; count -= 1)
      members.add(`user:${personOf(numbers.below(people))}`);
    if (index > 10 && numbers.chance(0.1)) members.add(`group:${teamOf(numbers.below(index))}`);
    return `  - { name: ${teamOf(index)}, members: [${[...members].map((name) => `"${name}"`).join(', ')}] }\n`;
  });
  return `provider: okta
synced: 2026-11-23T00:00:00Z
complete: true
people:
${persons.join('')}groups:
${teams.join('')}${joined.map((name) => `  - { name: ${name}, members: ["user:${joiner}"] }\n`).join('')}`;
}

/** The file that grants the target one operation of the first API by number `round`; null: it is gone. */
export function targetFile(round: number, granted: boolean): { path: string; text: string | null } {
  const path = `grants/access/${apiOf(0)}/target.yaml`;
  return { path, text: granted ? lister(`target-${round}`, `user:${target}`) : null };
}

const lister = (id: string, principal: string) =>
  `- { id: ${id}, principal: "${principal}", api: ${apiOf(0)}, role: lister, reason: Bench, owner: "group:team-0000", granted: 2026-01-01 }\n`;

/** All files of the organisation, one at a time. */
export function* organisationFiles(
  sizes: Sizes,
  { seed = 'bench', upstream = 'http://127.0.0.1:9' } = {},
): Generator<{ path: string; text: string }> {
  const numbers = random(seed);
  yield { path: 'grants/networks.yaml', text: 'office: [127.0.0.0/8, "192.0.2.0/24"]\n' };
  for (let index = 0; index < sizes.apis; index += 1)
    yield { path: `grants/apis/${apiOf(index)}.yaml`, text: apiFile(index, upstream) };
  const services = Array.from(
    { length: sizes.services },
    (_, index) => `  - { name: ${serviceOf(index)}, owner: "group:${teamOf(index % 60)}", state: active }\n`,
  );
  yield { path: 'grants/directory/services.yaml', text: `services:\n${services.join('')}` };
  yield { path: 'grants/directory/okta.yaml', text: directoryFile(sizes, numbers) };
  const principal = () => {
    const kind = numbers.next();
    if (kind < 0.55) return `user:${personOf(skewed(numbers, sizes.people))}`;
    if (kind < 0.9) return `group:${teamOf(skewed(numbers, sizes.groups))}`;
    return `service:${serviceOf(skewed(numbers, sizes.services))}`;
  };
  yield { path: `grants/access/${apiOf(0)}/steady.yaml`, text: lister('steady', `user:${steady}`) };
  yield { ...targetFile(0, true), text: lister('target-0', `user:${target}`) };
  const own = joined.map((name) => lister(`for-${name}`, `group:${name}`));
  yield { path: `grants/access/${apiOf(0)}/joined.yaml`, text: own.join('') };
  let number = 2 + own.length;
  for (let file = 0; number < sizes.grants; file += 1) {
    const api = apiOf(file < sizes.apis ? file : Math.floor(sizes.apis * numbers.next() ** 1.5));
    let text = `# Grants of ${teamOf(file % sizes.groups)}\n`;
    for (let count = 0; count < perFile && number < sizes.grants; count += 1) {
      text += grantText(number, api, principal(), numbers);
      number += 1;
    }
    yield { path: `grants/access/${api}/file-${String(file).padStart(4, '0')}.yaml`, text };
  }
}

/** Adds a commit of files (null: gone) to the branch main of a bare repository. Throws Error with Git's own words. */
export async function commitFiles(
  gitDir: string,
  files: Iterable<{ path: string; text: string | null }>,
  { first = false, at = 1_795_000_000 } = {},
): Promise<void> {
  const child = spawn('git', ['--git-dir', gitDir, 'fast-import', '--quiet', '--done', '--date-format=raw'], {
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  const closed = once(child, 'close');
  const write = async (text: string) => {
    if (!child.stdin.write(text)) await once(child.stdin, 'drain');
  };
  await write(`commit refs/heads/main\ncommitter Bench <bench@example.com> ${at} +0000\ndata 6\nbench\n`);
  if (!first) await write('from refs/heads/main^0\n');
  for (const { path, text } of files)
    await write(
      text === null ? `D ${path}\n` : `M 100644 inline ${path}\ndata ${Buffer.byteLength(text)}\n${text}\n`,
    );
  child.stdin.end('\ndone\n');
  const [code] = await closed;
  if (code !== 0) throw new Error('git fast-import failed');
}
