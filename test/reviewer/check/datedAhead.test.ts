import assert from 'node:assert/strict';
import { datedAhead } from '../../../reviewer/check/datedAhead.ts';
import { putOff } from '../../../reviewer/check/putOff.ts';
import { openInventory } from '../../../reviewer/inventory/inventory.ts';
import { inventoryText } from '../../../reviewer/inventory/inventoryText.ts';
import { organisationOf } from '../../../reviewer/organisationOf.ts';
import { suite } from '../../_suite.ts';
import { memoryTree } from '../../bundle/_memoryTree.ts';
import { access, asOfMs, base } from '../_review.ts';

const test = suite('grants that are dated ahead');
const asOf = asOfMs / 1000;
const dated = (granted: string) =>
  organisationOf(
    memoryTree({ ...base, ...access([{ id: 'ann-read', rest: `role: reader\ngranted: ${granted}` }]) }),
  );

test('are told of when they come or are dated anew, as gateways do not wait for that day', async () => {
  const [past, ahead] = [await dated('2026-11-24'), await dated('2026-12-24')];
  assert.deepEqual(datedAhead(null, past, asOf), [], 'where it is that day already');
  const [found, ...others] = datedAhead(null, ahead, asOf);
  assert.deepEqual(others, []);
  assert.match(
    found?.message ?? '',
    /^"granted" of "ann-read" is ahead, 2026-12-24, and a grant holds as soon/,
  );
  assert.match(`${found?.file}:${found?.line}`, /^grants\/access\/orders\/group-desk\.yaml:1$/);
  assert.equal(datedAhead(past, ahead, asOf).length, 1);
  assert.deepEqual(datedAhead(ahead, ahead, asOf), [], 'this pull request has nothing to do with it');
  assert.equal(
    datedAhead(null, await dated('2026-11-25'), asOf).length,
    1,
    'a day later than anywhere on earth',
  );
});

test('nor is a review believed that is dated ahead', async () => {
  const reviewed = (at: string) =>
    dated(`2026-03-01\nreview: { decision: keep, by: group:desk, at: ${at}, reason: Needed }`);
  const [past, ahead] = [await reviewed('2026-11-24T09:00:00Z'), await reviewed('2026-12-24T09:00:00Z')];
  assert.deepEqual(datedAhead(null, past, asOf), []);
  assert.deepEqual(
    datedAhead(past, ahead, asOf).map(({ code, message }) => [code, message]),
    [
      [
        'reviewed-ahead',
        '"review" of "ann-read" is dated ahead, 2026-12-24T09:00:00Z, expected when it was decided',
      ],
    ],
  );
  assert.equal(datedAhead(null, ahead, asOf).length, 1);
  assert.deepEqual(datedAhead(ahead, ahead, asOf), []);
});

test('a keep and an exemption that last longer than before are told of, and none that was there', async () => {
  const kept = (until: string) =>
    dated(
      `2026-03-01\nreview: { decision: keep, by: group:desk, at: 2026-11-23T09:00:00Z, until: ${until}, reason: Needed }`,
    );
  const exempt = (until: string) =>
    organisationOf(
      memoryTree({
        ...{ ...base, ...access([{ id: 'ann-read' }]) },
        'grants/review.yaml': `${base['grants/review.yaml']}exemptions: [{ grant: ann-read, detector: dormant, reason: Idle, until: ${until} }]\n`,
      }),
    );
  type Side = Awaited<ReturnType<typeof dated>>;
  const told = (before: Side, after: Side) =>
    putOff({ base: before, head: after }, asOf).map(
      ({ detail }) => /(?:until|cadence:) ([a-z-]+|[0-9-]{10})/.exec(detail)?.[1],
    );
  const none = await dated('2026-03-01');
  // A certification is good for 180 days, and days begin at different times on earth.
  assert.deepEqual(told(none, await kept('2027-05-23')), []);
  assert.deepEqual(told(none, await kept('2027-05-24')), ['2027-05-24']);
  assert.deepEqual(told(await kept('2028-01-31'), await kept('2028-01-31')), []);
  assert.deepEqual(told(await kept('2028-01-31'), await kept('2028-02-01')), ['2028-02-01']);
  for (const cadence of ['annual', 'break-glass']) {
    const rare = await dated(`2026-03-01\ncadence: ${cadence}`);
    assert.deepEqual([told(none, rare), told(rare, rare), told(rare, none)], [[cadence], [], []]);
  }
  assert.deepEqual(told(none, await exempt('2027-01-31')), ['2027-01-31']);
  assert.deepEqual(told(await exempt('2027-01-31'), await exempt('2027-01-31')), []);
  assert.deepEqual(told(await exempt('2027-01-31'), await exempt('2027-02-28')), ['2027-02-28']);
});

test('are listed as held already', async () => {
  const organisation = await dated('2026-12-24');
  const inventory = openInventory({ asOf, revision: null, organisation, seen: null });
  const text = [...inventoryText(inventory, 'person', 200)].join('\n');
  assert.match(text, /user:ann@example\.com\n.*by ann-read, already, though dated 2026-12-24/);
});
