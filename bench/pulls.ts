// node bench/pulls.ts [findings] [owners]: what a review asks of the forge. 500 findings of 20 owners when left out.
// Calls to the demo's forge are counted in the first hour (three runs), once as many are open as may be, and when nothing
// has changed; then the time from a comment to the updated diff.
import { answer } from '../reviewer/answer.ts';
import { asOfMs, rules, withGroups } from '../test/reviewer/_review.ts';
import { closeWorlds, idle, token, tokenOf, world } from '../test/reviewer/_world.ts';

const [findings = 500, owners = 20] = process.argv.slice(2).map(Number);
const grants = Array.from({ length: findings }, (_, i) => ({
  ...{ id: `idle-${i}`, principal: 'service:invoicer', owner: `group:${ownerName(i % owners)}`, rest: idle },
}));
const here = await world(grants, {
  ...withGroups(...Array.from({ length: owners }, (_, i) => ownerName(i))),
  'grants/review.yaml': rules
    .replace('brake: 1', 'brake: 1\n  coverage: 0')
    .replace('open: 10, per_hour: 10', 'open: 10, per_hour: 2'),
});
try {
  console.log('                     runs  opened  writes  reads   ms a run');
  const minutes = (first: number, count: number, step: number) =>
    Array.from({ length: count }, (_, i) => first + i * step);
  await runs('first hour', minutes(0, 3, 20));
  await runs('until 10 are open', minutes(60, 5, 60));
  const unchanged = await runs('nothing changed', [minutes(360, 1, 1)[0] ?? 360]);
  console.log(
    `${unchanged.open} open, ${unchanged.writes} writes and ${unchanged.reads} reads when nothing has changed`,
  );
  const url = `${here.forge.api}/repos/acme/access/issues/1/comments`;
  const began = performance.now();
  await fetch(url, {
    method: 'POST',
    headers: { authorization: `token ${tokenOf('ann')}` },
    body: JSON.stringify({ body: '/keep idle-0 2027-03-31 a reason' }),
  });
  const { changed } = await answer({ baseUrl: here.forge.api, owner: 'acme', repo: 'access', token }, 1);
  console.log(`comment to updated diff: ${Math.round(performance.now() - began)} ms (changed: ${changed})`);
} finally {
  await closeWorlds();
}

async function runs(name: string, at: readonly number[]) {
  const before = here.forge.calls.length;
  const began = performance.now();
  let open = 0;
  for (const minute of at) {
    here.clock.now = asOfMs + minute * 60_000;
    const { pulls, error } = await here.apply({ asOfMs: here.clock.now });
    if (error !== null) throw error;
    open = pulls.filter(({ action, number }) => number !== null && action !== 'held').length;
  }
  const calls = here.forge.calls.slice(before);
  const opened = calls.filter(({ method, path }) => method === 'POST' && path.endsWith('/pulls')).length;
  const reads = calls.filter(({ method }) => method === 'GET').length;
  const writes = calls.length - reads;
  const ms = Math.round((performance.now() - began) / at.length);
  const cells = [at.length, opened, writes, reads].map((value) => String(value).padStart(7)).join(' ');
  console.log(`${name.padEnd(18)}${cells} ${String(ms).padStart(10)}`);
  return { open, writes, reads };
}

function ownerName(index: number): string {
  return String.fromCharCode(97 + Math.floor(index / 26), 97 + (index % 26));
}
