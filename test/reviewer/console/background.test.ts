import * as assert from 'node:assert/strict';
import { tmpdir } from 'node:os';
import { BackgroundError, openBackground } from '../../../reviewer/console/background.ts';
import { suite } from '../../_suite.ts';

const test = suite('background');

test('once it was closed nothing is begun: neither what was under way nor what would follow it', async () => {
  const background = openBackground();
  const asked = { root: tmpdir(), decisions: [], usage: [], adminToken: null, asOf: 0 };
  const under = background.ask('review', asked);
  const then = under.catch(() => background.ask('explain', { fingerprint: 'x' }));
  const refused = [under, then].map((one) => assert.rejects(one, BackgroundError));
  await background.close();
  await Promise.all(refused);
});
