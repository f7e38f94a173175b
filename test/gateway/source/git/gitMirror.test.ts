import * as assert from 'node:assert/strict';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { openGitMirror } from '../../../../gateway/source/git/gitMirror.ts';
import { suite } from '../../../_suite.ts';
import { sampleTree } from '../../../bundle/_organisation.ts';
import { writeObject } from '../../../bundle/_repository.ts';

const test = suite('git mirror');

test('packs what fetches left behind once it is much, and not before', async () => {
  const tree = await sampleTree({}, { git: true });
  const stateFolder = await mkdtemp(join(tmpdir(), 'grantgate-state-'));
  try {
    const mirror = openGitMirror(
      { kind: 'git', protocol: 'file', url: pathToFileURL(tree.root).href, branch: 'main', folder: '' },
      { stateFolder, timeoutMs: 120_000 },
    );
    const { signal } = new AbortController();
    await mirror.fetch(signal);
    const objects = join(mirror.folder, 'objects');
    const packs = async () =>
      (await readdir(join(objects, 'pack'))).filter((name) => name.endsWith('.pack')).length;
    const loose = async () => (await readdir(join(objects, '17')).catch(() => [])).length;
    let made = 0;
    const fillUp = async (to: number) => {
      for (; (await loose()) < to; made += 1)
        writeObject(objects, 'blob', Buffer.from(`blob ${made}`), (id) => id.startsWith('17'));
    };
    await fillUp(12);
    await mirror.tidy(signal);
    assert.equal(await packs(), 0);
    await fillUp(13);
    await mirror.tidy(signal);
    assert.equal(await packs(), 1);
  } finally {
    await tree.remove();
    await rm(stateFolder, { recursive: true, force: true });
  }
});
