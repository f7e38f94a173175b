// node bench/campaign.ts [grants] [owners]: opens a campaign against the demo's forge; 10,000 grants of 300 owners when left
// out. Writes are counted as the forge sees them; the waits between them are made by a clock that takes no time, so the
// pace is simulated, and what is printed of it is what GitHub would see. Then a run where nothing has changed.
import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startForge } from '../demo/forge/startForge.ts';
import { campaign } from '../reviewer/campaign.ts';
import { access, asOfMs, base, logLines, place, rules, uses } from '../test/reviewer/_review.ts';

const [grants = 10_000, owners = 300] = process.argv.slice(2).map(Number);
const token = 'bench-token-1234567890';
// Letters, so that each team has files of its own.
const ownerName = (index: number) =>
  `team-${String.fromCharCode(97 + Math.floor(index / 26), 97 + (index % 26))}`;
const teams = Array.from({ length: owners }, (_, i) => ownerName(i));
const here = await place({
  ...access(
    Array.from({ length: grants }, (_, i) => ({
      ...{ id: `grant-${String(i).padStart(5, '0')}`, principal: 'user:ann@example.com' },
      ...{ api: i % 5 === 0 ? 'payments' : 'orders', owner: `group:${ownerName(i % owners)}` },
    })),
  ),
  'grants/directory/okta.yaml': `${base['grants/directory/okta.yaml']}${teams
    .map((name) => `  - { name: ${name}, members: ["user:dana@example.com"] }\n`)
    .join('')}`.replace('id: 00u4,', 'id: 00u4, github: dana,'),
  'grants/review.yaml': rules,
});
const ids = Array.from({ length: grants }, (_, i) => `grant-${String(i).padStart(5, '0')}`);
// Two in three are used.
await here.log(logLines(ids.filter((_, i) => i % 3 !== 0).flatMap((id) => uses(id, ['get', 'list'], 2))));
const repository = join(here.folder, 'forge.git');
await cp(join(here.root, '.git'), repository, { recursive: true });
const config = join(repository, 'config');
await writeFile(config, (await readFile(config, 'utf8')).replace('bare = false', 'bare = true'));

let now = asOfMs;
const writes: { at: number; notice: boolean }[] = [];
let reads = 0;
const notice = /\/(?:pulls|issues|comments|requested_reviewers)$/;
const forge = await startForge({
  ...{ repository, owner: 'acme', name: 'access', token, now: () => now },
  users: [{ login: 'dana', permission: 'write' }],
  watch: ({ method, path }) => {
    if (method === 'GET') reads += 1;
    else writes.push({ at: now, notice: method === 'POST' && notice.test(path) });
  },
});
const most = (times: readonly number[], windowMs: number) =>
  times.reduce((highest, from, i) => {
    let end = i;
    while (end < times.length && (times[end] ?? 0) < from + windowMs) end += 1;
    return Math.max(highest, end - i);
  }, 0);
async function run(name: string) {
  writes.length = 0;
  reads = 0;
  const [began, at] = [performance.now(), now];
  let promised = '';
  const { report, results, error } = await campaign({
    ...{ root: here.root, decisions: [here.decisions], asOfMs, name: 'bench', scope: null, apply: true },
    forge: { baseUrl: forge.api, owner: 'acme', repo: 'access', token, cloneUrl: repository },
    clock: {
      now: () => now,
      sleep: async (ms) => {
        now += ms;
      },
    },
    progress: (line) => {
      promised = /done about (\S+)/.exec(line)?.[1] ?? promised;
    },
  });
  if (error !== null) throw error;
  const did = results.filter(({ action }) => action === 'opened').length;
  const times = writes.map((one) => one.at);
  const notices = writes.filter((one) => one.notice).map((one) => one.at);
  console.log(
    `${name}: ${report.population.grants} grants, ${did} of ${results.length} opened, ${writes.length} writes (${notices.length} notices), ${reads} reads, ${Math.round((performance.now() - began) / 1000)} s of work`,
  );
  console.log(
    `  at most ${most(times, 60_000)} writes in a minute, ${most(notices, 3_600_000)} notices in an hour; done after ${Math.round((now - at) / 60_000)} min${promised === '' ? '' : `, said at the start: ${Math.round((Date.parse(promised) - at) / 60_000)} min`}`,
  );
}
try {
  await run('opening');
  await run('nothing changed');
} finally {
  await forge.close();
  await here.remove();
}
