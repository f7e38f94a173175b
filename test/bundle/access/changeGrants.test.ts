import * as assert from 'node:assert/strict';
import { changeGrants } from '../../../bundle/access/changeGrants.ts';
import { openAccess } from '../../../bundle/access/openAccess.ts';
import { suite } from '../../_suite.ts';
import { generatedOrganisation, now } from '../../policies/_organisation.ts';

const test = suite('changeGrants');

test('looks only at those whom a changed grant reaches', () => {
  const access = openAccess(generatedOrganisation('changed grants'), now);
  const looked = new Set<string>();
  const watched = {
    ...access,
    grantsOf: (subject: string) => {
      looked.add(subject);
      return access.grantsOf(subject);
    },
  };
  assert.deepEqual(changeGrants(watched, new Map(), now), []);
  assert.equal(looked.size, 0);
  const given = access.grants.filter((grant) => access.idle(grant) === null);
  const gone = given.find(({ id }) => changeGrants(access, new Map([[id, null]]), now).length > 0);
  assert.ok(gone);
  const changes = changeGrants(watched, new Map([[gone.id, null]]), now);
  assert.ok(changes.length > 0 && changes.every(({ api }) => api === gone.api));
  assert.deepEqual([...looked].sort(), [...access.reached(gone.principal).keys()].sort());
});
