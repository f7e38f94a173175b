import * as assert from 'node:assert/strict';
import { answer } from '../../../reviewer/answer.ts';
import { parseBody } from '../../../reviewer/pulls/text/marker.ts';
import { suite } from '../../_suite.ts';
import { asOfMs, base, dayMs, daysAgo, type Files, type GrantText, rules } from '../_review.ts';
import { actions, closeWorlds, idle, standard, token, tokenOf, type World, world } from '../_world.ts';

const test = suite('pull requests that ask');
test.after.each(closeWorlds);

const busy = standard[1] as GrantText;
/** Nobody expects it to be used. */
const still = 'role: reader\ncadence: break-glass';
const branch = 'grantgate/review/group-desk/certification';
const generous = rules.replace('brake: 1', 'brake: 1\n  coverage: 0');
const directory = base['grants/directory/okta.yaml'] ?? '';
const services = base['grants/directory/services.yaml'] ?? '';

const changed: Files = {
  'grants/directory/okta.yaml': directory
    .replace('dana@example.com, id: 00u4,', 'dana@example.com, id: 00u4, manager: ann@example.com,')
    .replace(
      'members: ["user:dana@example.com"]',
      'members: ["user:dana@example.com", "user:ann@example.com"]',
    ),
};

const changes = ({ bare }: World, of = branch) =>
  bare('diff', `main...${of}`)
    .split('\n')
    .filter((line) => /^[+-] /.test(line));
const shown = async ({ forge }: World, number: number) =>
  (await (
    await fetch(`${forge.api}/repos/acme/access/pulls/${number}`, {
      headers: { authorization: `token ${token}` },
    })
  ).json()) as { body: string; title: string };

test('renews, hands over and certifies by what is merged, asks who can answer, and asks no more then', async () => {
  const here = await world(
    [
      busy,
      { id: 'ending', rest: `${still} # until the audit\ngranted: ${daysAgo(20)}\nexpires: 2026-11-30` },
      { id: 'grown', principal: 'group:night', rest: still },
      { id: 'old', api: 'payments', rest: `${still}\ngranted: ${daysAgo(200)} # long ago` },
      { id: 'orphaned', owner: 'user:cleo@example.com', rest: `${still}\ngranted: ${daysAgo(20)}` },
      // Its own owner is there; the service's is not, and only services.yaml could tell another.
      { id: 'stuck', principal: 'service:lonely', rest: `${still}\ngranted: ${daysAgo(20)}` },
      { id: 'idle', owner: 'user:cleo@example.com', rest: idle },
    ],
    {
      'grants/review.yaml': generous,
      'grants/directory/services.yaml': `${services}  - { name: lonely, owner: "user:cleo@example.com", state: active }\n`,
    },
  );
  await here.push(changed);
  const first = await here.apply();
  assert.equal(first.error, null);
  assert.deepEqual(actions(first), [
    'opened group-desk/removal idle',
    'opened group-desk/certification busy,ending,ending,grown,old,orphaned,orphaned',
    'blocked group-desk/certification stuck',
  ]);
  assert.match(
    first.pulls[2]?.reason ?? '',
    /^nobody active can be named to answer for stuck: give another owner .* or of the service lonely$/,
  );
  const [kept, lines] = [
    '+  review: { decision: keep, by: group:desk, at: 2026-11-23T12:00:00Z, reason: Certified again by merging this }',
    changes(here),
  ];
  assert.deepEqual(lines, [
    ...[kept, kept],
    ...['-  expires: 2026-11-30', '+  expires: 2026-12-27', kept],
    ...['-  owner: user:cleo@example.com', '+  owner: group:desk', kept, kept],
  ]);
  const { body, title } = await shown(here, 2);
  assert.equal(title, 'Access review for group:desk: renew 1, reassign 1, recertify 5 on orders, payments');
  // What is to be restored is what stands there today, not what is proposed.
  assert.match(body, /say this again of `ending`:\n\n```yaml\n(?:(?!```)[\s\S])*expires: 2026-11-30\n```/);
  assert.match(
    body,
    /say this again of `orphaned`:\n\n```yaml\n(?:(?!```)[\s\S])*owner: user:cleo@example\.com\n/,
  );
  assert.match(body, /answers for 5 grants that/);
  assert.match(body, /^### renew `ending` until 2026-12-27$/m);
  assert.match(body, /^### reassign `orphaned` to `group:desk`$/m);
  const again = await here.apply();
  assert.deepEqual(
    again.pulls.map(({ action }) => action),
    ['unchanged', 'unchanged', 'blocked'],
  );
  await here.forge.merge(2);
  const after = await here.apply();
  assert.deepEqual(
    [after.error, actions(after)],
    [null, ['unchanged group-desk/removal idle', 'blocked group-desk/certification stuck']],
  );
});

test('unanswered, what no_response suspends is nobody’s decision, says so once, and a later word replaces it', async () => {
  const grants = ['grown', 'kept'].map((id) => ({ id, principal: 'group:night', rest: still }));
  const here = await world(grants, {
    'grants/review.yaml': generous.replace('per_hour: 10', 'per_hour: 10, no_response: { medium: suspend }'),
  });
  await here.push(changed);
  assert.deepEqual(actions(await here.apply()), ['opened group-desk/certification grown,kept']);
  const days = (count: number) => {
    here.clock.now = asOfMs + count * dayMs;
    return here.apply({ asOfMs: here.clock.now });
  };
  const say = (body: string) =>
    fetch(`${here.forge.api}/repos/acme/access/issues/1/comments`, {
      method: 'POST',
      headers: { authorization: `token ${tokenOf('ann')}` },
      body: JSON.stringify({ body }),
    });
  await say('/keep kept 2027-03-31 they are asked at night');
  assert.deepEqual(actions(await days(1)), ['updated group-desk/certification grown,kept']);
  // A day too early only a reminder is due.
  assert.deepEqual(actions(await days(29)), ['reminded group-desk/certification grown,kept']);
  assert.deepEqual(
    changes(here)
      .join()
      .match(/suspended/),
    null,
  );
  const [due] = (await days(30)).pulls;
  assert.equal(due?.action, 'updated');
  assert.match(
    due?.reason ?? '',
    /nobody has merged or closed it for 30 days, so the group desk is asked to suspend what it holds/,
  );
  // Whatever somebody has decided stays.
  assert.match(
    changes(here).join(),
    /^\+ {2}state: suspended,\+ {2}review: \{ decision: keep, .* they are asked at night/,
  );
  const { body, title } = await shown(here, 1);
  assert.equal(title, 'Access review for group:desk: suspend 1, keep 1 on orders');
  assert.match(body, /> \*\*To be suspended\*\*, for nobody has answered since 2026-11-23 \(`pull_requests/);
  assert.doesNotMatch(body, /Suspended\*\* by/);
  assert.equal(parseBody(body)?.entries[0]?.decision?.by, 'service:grantgate');
  here.writes();
  assert.deepEqual(actions(await days(31)), ['unchanged group-desk/certification grown,kept']);
  assert.deepEqual(here.writes().calls, []);
  await say('/keep 2027-03-31 they work at night');
  await answer(
    { baseUrl: here.forge.api, owner: 'acme', repo: 'access', token, cloneUrl: here.repository },
    1,
  );
  assert.match(changes(here).join(), /^\+ {2}review: \{ decision: keep, .* until: 2027-03-31, /);
  assert.doesNotMatch((await shown(here, 1)).body, /To be suspended/);
});
