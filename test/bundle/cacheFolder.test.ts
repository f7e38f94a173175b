import * as assert from 'node:assert/strict';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { cacheFolder } from '../../bundle/cacheFolder.ts';
import { suite } from '../_suite.ts';

const test = suite('the folder of what is kept');

test('it is where the user says, and never beneath the current folder', () => {
  assert.equal(cacheFolder({ XDG_CACHE_HOME: '/kept', HOME: '/home/ann' }), '/kept/grantgate');
  assert.equal(cacheFolder({ HOME: '/home/ann' }), '/home/ann/.cache/grantgate');
  assert.equal(cacheFolder({ XDG_CACHE_HOME: 'kept', HOME: '/home/ann' }), '/home/ann/.cache/grantgate');
  const ours = join(userInfo().homedir, '.cache', 'grantgate');
  for (const HOME of ['', '.', 'ann']) assert.equal(cacheFolder({ XDG_CACHE_HOME: '', HOME }), ours);
});
