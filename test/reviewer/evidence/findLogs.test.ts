import * as assert from 'node:assert/strict';
import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findLogs } from '../../../reviewer/evidence/findLogs.ts';
import { suite } from '../../_suite.ts';

const test = suite('findLogs');

test('finds what folders, files and globs name, each once; a named file that is not there is an error', async () => {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'grantgate-logs-')));
  const at = (name: string) => join(folder, name);
  try {
    await mkdir(at('gw/deep.ndjson'), { recursive: true });
    for (const name of ['a.ndjson', 'b.ndjson.gz', 'c.ndjson.zst', 'gw/d.ndjson', 'plain.json', 'note.txt'])
      await writeFile(at(name), '');
    await symlink(at('a.ndjson'), at('again.ndjson'));
    const found = async (...sources: string[]) =>
      (await findLogs(sources.map(at))).map((path) => path.slice(folder.length + 1));
    const all = ['a.ndjson', 'b.ndjson.gz', 'c.ndjson.zst', 'gw/d.ndjson'];
    assert.deepEqual(await found('.'), all);
    assert.deepEqual(await found('gw', '.', 'a.ndjson', 'again.ndjson'), all);
    assert.deepEqual(await found('again.ndjson'), ['a.ndjson']);
    assert.deepEqual(await found('plain.json'), ['plain.json']);
    assert.deepEqual(await found('*.{gz,txt}', '**/d.*'), ['b.ndjson.gz', 'gw/d.ndjson']);
    assert.deepEqual(await found('nothing', '*.none'), []);
    await assert.rejects(found('gone.ndjson'), { code: 'decisions-unreadable' });
  } finally {
    await rm(folder, { recursive: true });
  }
});
