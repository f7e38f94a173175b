import * as assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Bundle } from '../../../../bundle/archive/bundle.ts';
import { startReload } from '../../../../gateway/load/reload.ts';
import { parseSource } from '../../../../gateway/source/contract/parseSource.ts';
import type { Source } from '../../../../gateway/source/contract/source.ts';
import { gitSource } from '../../../../gateway/source/git/gitSource.ts';
import { suite } from '../../../_suite.ts';
import { runGit, type SampleTree, sampleTree } from '../../../bundle/_organisation.ts';
import { startWarmLoader } from '../../load/_warmLoader.ts';

const test = suite('gitSource signed');

let tree: SampleTree;
let folder: string;
let list: string;
let assembled: string[] = [];
let made = 0;

test.before(async () => {
  tree = await sampleTree({}, { git: true });
  folder = await mkdtemp(join(tmpdir(), 'grantgate-signed-'));
  list = join(folder, 'allowed_signers');
  for (const name of ['ann', 'bob', 'forge'])
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', name, '-f', join(folder, name)]);
});
test.before.each(async () => {
  assembled = [];
  await allow(['ann@example.com', 'ann']);
});
test.after(async () => {
  await tree.remove();
  await rm(folder, { recursive: true, force: true });
});

/** Writes the list: principal, options and the name of a key. */
const allow = async (...signers: [string, string, string?][]) => {
  const lines = signers.map(async ([principal, name, options = 'namespaces="git"']) => {
    const key = await readFile(join(folder, `${name}.pub`), 'utf8');
    return `${principal} ${options} ${key}`;
  });
  await writeFile(list, (await Promise.all(lines)).join(''));
};
/** A commit on main, signed by a key unless none is named; answers its id. */
const commit = (by: string | null, ...more: string[]): string => {
  // Two commits of the same second and key would be the same one.
  made += 1;
  const signing = ['-c', 'gpg.format=ssh', '-c', `user.signingkey=${join(folder, by ?? '')}`];
  runGit(
    tree.root,
    ...(by === null ? [] : signing),
    ...['commit', '--quiet', '--allow-empty', '-m', `more ${made}`, ...(by === null ? [] : ['-S']), ...more],
  );
  return runGit(tree.root, 'rev-parse', 'HEAD').trim();
};
const open = (allowedSigners: string | null = list, state = 'state'): Source => {
  const address = parseSource(`git+file://${tree.root}#main`);
  assert.ok(address.kind === 'git');
  return gitSource({
    address,
    stateFolder: join(folder, state),
    ...(allowedSigners === null ? {} : { allowedSigners }),
    async assemble(_, revision) {
      assembled.push(revision);
      return { revision } as Bundle;
    },
  });
};
const take = async (source: Source) => {
  const found = await source.next({ signal: new AbortController().signal });
  found?.acknowledge(null);
  return found?.bundle.revision ?? null;
};

test('takes a commit that an allowed signer signed, whatever lies beneath it', async () => {
  commit(null);
  const signed = commit('ann');
  assert.equal(await take(open()), signed);
});

test('refuses one that is not signed, compiles nothing of it, and takes the next that is', async () => {
  const source = open();
  const before = commit('ann');
  assert.equal(await take(source), before);
  const unsigned = commit(null);
  for (let look = 0; look < 2; look += 1) await assert.rejects(take(source), { code: 'commit-unsigned' });
  assert.deepEqual(assembled, [before]);
  assert.equal(await take(open(null)), unsigned, 'where no signers are demanded it is as good as any');
  const after = commit('ann');
  assert.equal(await take(source), after);
});

test('notes a history that was rewritten by somebody it refused, once it takes what came of it', async () => {
  const source = open();
  const signed = commit('ann');
  assert.equal(await take(source), signed);
  commit(null, '--amend');
  await assert.rejects(take(source), { code: 'commit-unsigned' });
  const next = commit('ann');
  const found = await source.next({ signal: new AbortController().signal });
  assert.equal(found?.bundle.revision, next);
  assert.deepEqual(
    found?.notes.map(({ code }) => code),
    ['branch-rewritten'],
  );
});

test('refuses a signer who is not on the list, until she is', async () => {
  const source = open();
  const signed = commit('bob');
  await assert.rejects(take(source), { code: 'commit-signer' });
  await allow(['ann@example.com', 'ann'], ['bob@example.com', 'bob']);
  assert.equal(await take(source), signed);
});

test('takes the merge that a forge signs only where the forge is on the list', async () => {
  runGit(tree.root, 'checkout', '--quiet', '-b', 'change');
  commit('ann');
  runGit(tree.root, 'checkout', '--quiet', 'main');
  commit('ann');
  const merge = (by: string) =>
    runGit(
      tree.root,
      ...['-c', 'gpg.format=ssh', '-c', `user.signingkey=${join(folder, by)}`],
      ...['merge', '--quiet', '--no-ff', '-S', '-m', 'merged', 'change'],
    );
  merge('forge');
  await assert.rejects(take(open()), { code: 'commit-signer' });
  await allow(['ann@example.com', 'ann'], ['forge@example.com', 'forge']);
  assert.equal(await take(open()), runGit(tree.root, 'rev-parse', 'HEAD').trim());
});

test('refuses a key that may sign other things than commits', async () => {
  commit('ann');
  await allow(['ann@example.com', 'ann', 'namespaces="file"']);
  await assert.rejects(take(open()), { code: 'commit-signer' });
});

test('refuses a key at times when it is not valid', async () => {
  commit('ann');
  await allow(['ann@example.com', 'ann', 'valid-before="20200101"']);
  await assert.rejects(take(open()), { code: 'commit-signer' });
  await allow(['ann@example.com', 'ann', 'valid-after="20200101"']);
  assert.notEqual(await take(open()), null);
});

test('a gateway serves what was signed, over a restart too, and nothing it kept before signers were demanded', async () => {
  const stateFolder = join(folder, 'gateway');
  const start = async (more: { allowedSigners?: string }) => {
    const silent = () => {};
    const reload = startReload({
      source: { url: `git+file://${tree.root}#main`, stateFolder, ...more },
      pollMs: 600_000,
      onSwap: silent,
      log: { info: silent, warn: silent, error: silent },
      startWorker: startWarmLoader,
    });
    await reload.started;
    return reload;
  };
  const unsigned = commit(null);
  const before = await start({});
  assert.equal(before.current()?.revision, unsigned);
  await before.close();

  const strict = await start({ allowedSigners: list });
  assert.equal(strict.current(), null);
  assert.equal(strict.status().lastError?.code, 'commit-unsigned');
  const signed = commit('ann');
  await strict.look();
  assert.equal(strict.current()?.revision, signed);
  commit(null);
  await assert.rejects(strict.look({ force: true }), { code: 'commit-unsigned' });
  assert.equal(strict.current()?.revision, signed);
  await strict.close();

  const again = await start({ allowedSigners: list });
  assert.equal(again.current()?.revision, signed);
  assert.equal(again.status().state, 'failing');
  await again.close();
});

/** Makes the branch point to a commit made of this text. */
const plant = (text: string): string => {
  const id = execFileSync(
    'git',
    ['-C', tree.root, 'hash-object', '-t', 'commit', '-w', '--stdin', '--literally'],
    {
      input: text,
      encoding: 'utf8',
    },
  ).trim();
  runGit(tree.root, 'update-ref', 'refs/heads/main', id);
  return id;
};

test('refuses a signature taken from another commit, a broken one, and one of another kind', async () => {
  const good = runGit(tree.root, 'cat-file', 'commit', commit('ann'));
  plant(good.replace('\n\nmore', '\n\nmore than was signed'));
  await assert.rejects(take(open()), { code: 'commit-signer' });
  plant(
    good.replace(/gpgsig[\s\S]*?-----END SSH SIGNATURE-----/, 'gpgsig -----BEGIN SSH SIGNATURE-----\n x'),
  );
  await assert.rejects(take(open()), { code: 'commit-signer' });
  plant(good.replaceAll('SSH SIGNATURE', 'PGP SIGNATURE'));
  await assert.rejects(take(open()), { code: 'commit-signer' });
  plant(
    good
      .replace('\n\nmore', '\n\ngpgsig in the message alone')
      .replace(/\ngpgsig -[\s\S]*?END SSH SIGNATURE-----/, ''),
  );
  await assert.rejects(take(open()), { code: 'commit-unsigned' });
  plant(good);
  assert.notEqual(await take(open()), null);
});

test('is not talked into anything by configuration that is not its own', async () => {
  commit('bob');
  const all = join(folder, 'all');
  await writeFile(all, `* ${await readFile(join(folder, 'bob.pub'), 'utf8')}`);
  const settings = `[gpg]\n\tminTrustLevel = never\n\tprogram = /bin/true\n[gpg "ssh"]\n\tallowedSignersFile = ${all}\n\tprogram = /bin/true\n`;
  const home = await mkdtemp(join(folder, 'home-'));
  await writeFile(join(home, '.gitconfig'), settings);
  const config = join(tree.root, '.git/config');
  const usual = await readFile(config);
  await writeFile(config, settings, { flag: 'a' });
  const source = open(list, 'touched');
  await assert.rejects(take(source), { code: 'commit-signer' });
  const mirrors = join(folder, 'touched/mirrors');
  const [mirror = ''] = execFileSync('ls', [mirrors], { encoding: 'utf8' })
    .split('\n')
    .filter((name) => name.endsWith('.git'));
  await writeFile(join(mirrors, mirror, 'config'), settings, { flag: 'a' });
  const before = process.env.HOME;
  process.env.HOME = home;
  try {
    await assert.rejects(take(source), { code: 'commit-signer' });
  } finally {
    process.env.HOME = before;
    await writeFile(config, usual);
  }
});

test('refuses all commits when the list is gone or empty', async () => {
  commit('ann');
  await rm(list);
  await assert.rejects(take(open()), { code: 'source-invalid' });
  await writeFile(list, '');
  await assert.rejects(take(open()), { code: 'commit-signer' });
});

test('says that ssh-keygen is missing', async () => {
  commit('ann');
  const bare = await mkdtemp(join(folder, 'bin-'));
  const git = execFileSync('sh', ['-c', 'command -v git'], { encoding: 'utf8' }).trim();
  execFileSync('ln', ['-s', git, join(bare, 'git')]);
  const before = process.env.PATH;
  process.env.PATH = bare;
  try {
    await assert.rejects(take(open()), { code: 'git-missing' });
  } finally {
    process.env.PATH = before;
  }
});
