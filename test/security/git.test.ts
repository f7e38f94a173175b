import * as assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { changesOf } from '../../bundle/git/changesOf.ts';
import { git } from '../../bundle/git/git.ts';
import { gitTree, workingTree } from '../../bundle/git/tree.ts';
import { parseSource } from '../../gateway/source/contract/parseSource.ts';
import { openGitMirror } from '../../gateway/source/git/gitMirror.ts';
import { openMirror } from '../../reviewer/pulls/mirror.ts';
import { suite } from '../_suite.ts';
import { runGit, type SampleTree, sampleFiles, sampleTree } from '../bundle/_organisation.ts';

const test = suite('Git among hostile settings');
const file = 'grants/access/payments/billing.yaml';
const before = { ...process.env };
const { signal } = new AbortController();
let sample: SampleTree;
let folder: string;
let signed: string;
/** Whatever runs this leaves its mark in `marks`. */
let script: string;
const marks = async () => (await readdir(join(folder, 'marks'))).sort();

test.before(async () => {
  sample = await sampleTree({ '.gitattributes': '*.yaml diff=evil merge=evil\n' }, { git: true });
  folder = await mkdtemp(join(tmpdir(), 'grantgate-hostile-'));
  script = join(folder, 'evil');
  // Not by anybody: a signature is looked at before it is found wanting.
  const body = runGit(sample.root, 'cat-file', 'commit', 'HEAD').replace(
    '\n\n',
    '\ngpgsig -----BEGIN PGP SIGNATURE-----\n \n AAAA\n -----END PGP SIGNATURE-----\n\n',
  );
  await writeFile(join(folder, 'commit'), body);
  signed = runGit(sample.root, 'hash-object', '-t', 'commit', '-w', join(folder, 'commit')).trim();
  await mkdir(join(folder, 'marks'));
  await writeFile(script, `#!/bin/sh\necho "$0 $*" >'${folder}/marks/ran'\nexit 1\n`);
  await chmod(script, 0o755);
  await mkdir(join(folder, 'hooks'));
  for (const hook of ['reference-transaction', 'post-index-change', 'pre-push', 'post-update', 'fsmonitor'])
    await writeFile(join(folder, 'hooks', hook), `#!/bin/sh\nexec '${script}'\n`, { mode: 0o755 });
});
test.after.each(() => {
  for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name];
  Object.assign(process.env, before);
});
test.after(async () => {
  await sample.remove();
  await rm(folder, { recursive: true, force: true });
});

/**
 * Settings that start a program, move Git elsewhere or change what it answers. Filters are not among them: they cannot be
 * turned off, and start only where files of a work tree are compared, which no command of ours does; nor do we ask for
 * a patch without `--no-textconv`.
 */
const settings = (): [key: string, value: string][] => [
  ['core.fsmonitor', script],
  ['core.hooksPath', join(folder, 'hooks')],
  ['core.sshCommand', script],
  ['core.pager', script],
  ['core.editor', script],
  ['core.askPass', script],
  ['core.alternateRefsCommand', script],
  ['credential.helper', script],
  ['diff.external', script],
  ['diff.evil.command', script],
  ['diff.evil.textconv', script],
  ['merge.evil.driver', script],
  ['gpg.program', script],
  ['gpg.ssh.program', script],
  ['log.showSignature', 'true'],
  ['color.ui', 'always'],
  ['log.showRoot', 'false'],
  ...['log', 'show', 'blame', 'fetch', 'push', 'rev-parse', 'cat-file', 'ls-tree', 'init'].map(
    (name): [string, string] => [`alias.${name}`, `!${script}`],
  ),
];

/** A configuration file with all of them, and another place for every address. */
const asFile = () =>
  `${settings()
    .map(([key, value]) => {
      const [, section = '', sub, name = ''] = /^([^.]+)\.(?:(.+)\.)?([^.]+)$/.exec(key) ?? [];
      return `[${section}${sub === undefined ? '' : ` "${sub}"`}]\n\t${name} = ${JSON.stringify(value)}`;
    })
    .join(
      '\n',
    )}\n[url "file:///nowhere/"]\n\tinsteadOf = "/"\n\tinsteadOf = "file:"\n\tinsteadOf = "http:"\n`;

async function hostileEnvironment(): Promise<void> {
  const config = join(folder, 'config');
  await writeFile(config, asFile());
  const home = join(folder, 'home');
  await mkdir(join(home, '.config/git'), { recursive: true });
  await mkdir(join(folder, 'template/hooks'), { recursive: true });
  await writeFile(join(folder, 'template/config'), asFile());
  await writeFile(join(home, '.config/git/attributes'), '* diff=evil merge=evil\n');
  const pairs = settings();
  Object.assign(process.env, {
    ...{ HOME: home, XDG_CONFIG_HOME: join(home, '.config') },
    ...{ GIT_DIR: '/nowhere/.git', GIT_WORK_TREE: '/nowhere', GIT_INDEX_FILE: '/nowhere/index' },
    ...{ GIT_COMMON_DIR: '/nowhere', GIT_OBJECT_DIRECTORY: '/nowhere/objects', GIT_NAMESPACE: 'evil' },
    ...{ GIT_ALTERNATE_OBJECT_DIRECTORIES: '/nowhere', GIT_SHALLOW_FILE: '/nowhere', GIT_PREFIX: 'grants/' },
    ...{ GIT_SSH: script, GIT_SSH_COMMAND: script, GIT_PROXY_COMMAND: script, GIT_EXTERNAL_DIFF: script },
    ...{ GIT_PAGER: script, PAGER: script, GIT_EDITOR: script, EDITOR: script, VISUAL: script },
    ...{ GIT_ASKPASS: script, SSH_ASKPASS: script, GIT_TERMINAL_PROMPT: '1', GIT_ALLOW_PROTOCOL: 'ext' },
    ...{ GIT_TEMPLATE_DIR: join(folder, 'template'), GIT_DEFAULT_HASH: 'sha256', GIT_NO_REPLACE_OBJECTS: '' },
    ...{ GIT_TRACE: `${folder}/marks/trace`, GIT_TRACE2_EVENT: `${folder}/marks/trace2` },
    ...{ GIT_TRACE_CURL: `${folder}/marks/curl`, GIT_TRACE_CURL_NO_DATA: '0', GIT_CURL_VERBOSE: '1' },
    ...{ GIT_LITERAL_PATHSPECS: '1', GIT_ICASE_PATHSPECS: '1', GIT_REPLACE_REF_BASE: 'refs/evil/' },
    ...{ GIT_AUTHOR_NAME: 'Eve', GIT_AUTHOR_DATE: '@1 +0000', GIT_COMMITTER_EMAIL: 'eve@example.com' },
    ...{ GIT_CONFIG_GLOBAL: config, GIT_CONFIG_SYSTEM: config, GIT_CONFIG: config },
    GIT_CONFIG_PARAMETERS: pairs.map(([key, value]) => `'${key}'='${value}'`).join(' '),
    GIT_CONFIG_COUNT: String(pairs.length),
    ...Object.fromEntries(
      pairs.flatMap(([key, value], at) => [
        [`GIT_CONFIG_KEY_${at}`, key],
        [`GIT_CONFIG_VALUE_${at}`, value],
      ]),
    ),
  });
}

/** What each of our three ways to Git answers: whoever reads here, the gateway's mirror, the reviewer's workspace. */
async function answers() {
  const stateFolder = await mkdtemp(join(folder, 'state-'));
  const tree = await workingTree(sample.root);
  const [first = ''] = await tree.list();
  const lines = await changesOf(sample.root, 'HEAD', { file, first: 1, last: 3 });
  const read = await (await gitTree(sample.root, 'HEAD')).read(await tree.list());
  // Nobody asks these of a repository today; whoever comes to, is as safe.
  const further = await Promise.all(
    [
      ['log', '--raw'],
      ['show', '--no-patch', signed],
      ['status'],
      ['update-ref', 'refs/heads/mark', 'HEAD'],
    ].map((args) => git(sample.root, args).then(String)),
  );
  await assert.rejects(git(sample.root, ['credential', 'fill'], 'protocol=https\nhost=example.com\n\n'));

  const source = parseSource(`git+file://${sample.root}#main`);
  assert.ok(source.kind === 'git');
  const mirror = openGitMirror(source, { stateFolder, timeoutMs: 60_000 });
  const fetched = await mirror.fetch(signal);
  const shown = await mirror.git(['log', '-1', '--format=%H', fetched.commit], signal);

  const remote = { cloneUrl: sample.root, base: 'main', folder: '', timeoutMs: 60_000 };
  const workspace = await openMirror({ ...remote, token: async () => '' });
  try {
    const text = `${sampleFiles[file]}# once more\n`;
    const commit = await workspace.commit(new Map([[file, text]]), 'access: once more', 1_800_000_000);
    return {
      read: [first, tree.revision, tree.counter, lines, [...read.keys()], further],
      fetched: [fetched, shown],
      made: [workspace.base, commit, await workspace.hasHumanCommits(commit), await workspace.merged(commit)],
      first: await workspace.first([first]),
    };
  } finally {
    await workspace.close();
  }
}

test('no variable, no user’s, machine’s or repository’s setting, hook, alias, driver or template has an effect', async () => {
  const expected = await answers();
  await hostileEnvironment();
  assert.deepEqual(await answers(), expected);
  assert.deepEqual(await marks(), []);
  // The user's own, which is read for what it trusts of other people.
  for (const name of Object.keys(process.env)) if (name.startsWith('GIT_CONFIG')) delete process.env[name];
  await writeFile(join(folder, 'home/.gitconfig'), asFile());
  await writeFile(join(folder, 'home/.config/git/config'), asFile());
  assert.deepEqual(await answers(), expected);
  assert.deepEqual(await marks(), []);
  // The repository's own, as it may lie in a folder that was handed over with all that is in it.
  for (const [key, value] of settings()) runGit(sample.root, 'config', key, value);
  await mkdir(join(sample.root, '.git/hooks'));
  for (const hook of await readdir(join(folder, 'hooks')))
    await writeFile(join(sample.root, '.git/hooks', hook), `#!/bin/sh\nexec '${script}'\n`, { mode: 0o755 });
  assert.deepEqual(await answers(), expected);
  assert.deepEqual(await marks(), []);
});

test('asks no helper and nobody for credentials', async () => {
  await hostileEnvironment();
  const server = createServer((_, response) =>
    response.writeHead(401, { 'www-authenticate': 'Basic realm="Git"' }).end(),
  );
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  try {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/grants.git`;
    const source = parseSource(`git+${url}#main`);
    assert.ok(source.kind === 'git');
    const state = { stateFolder: await mkdtemp(join(folder, 'state-')), timeoutMs: 60_000 };
    await assert.rejects(openGitMirror(source, state).fetch(signal), { code: 'source-unauthorized' });
    const remote = { cloneUrl: url, base: 'main', folder: '', timeoutMs: 60_000 };
    await assert.rejects(openMirror({ ...remote, token: async () => '' }), { code: 'forge-unauthorized' });
    assert.deepEqual(await marks(), []);
  } finally {
    server.close();
  }
});

test('a partial clone that lacks something starts no program to fetch it', async () => {
  const other = await sampleTree({}, { git: true });
  const commit = await other.commit({ [file]: null });
  const blob = runGit(other.root, 'rev-parse', `${commit}~1:${file}`).trim();
  try {
    for (const [key, value] of [
      ['core.repositoryFormatVersion', '1'],
      ['extensions.partialClone', 'origin'],
      ['remote.origin.promisor', 'true'],
      ['remote.origin.uploadPack', script],
      ['core.sshCommand', script],
    ] as const)
      runGit(other.root, 'config', key, value);
    await rm(join(other.root, '.git/objects', blob.slice(0, 2), blob.slice(2)));
    for (const url of ['ssh://127.0.0.1/x', other.root, `ext::${script}`, 'git://127.0.0.1/x']) {
      runGit(other.root, 'config', 'remote.origin.url', url);
      const tree = await gitTree(other.root, `${commit}~1`);
      await assert.rejects(tree.read([file]), { code: 'git-failed' });
    }
  } finally {
    await other.remove();
  }
  assert.deepEqual(await marks(), []);
});

test('a folder of another’s is read once its user trusts it, and not because a variable says so', async () => {
  process.env.GIT_TEST_ASSUME_DIFFERENT_OWNER = '1';
  const home = await mkdtemp(join(folder, 'home-'));
  Object.assign(process.env, {
    HOME: home,
    GIT_CONFIG_COUNT: '1',
    GIT_CONFIG_KEY_0: 'safe.directory',
    GIT_CONFIG_VALUE_0: '*',
  });
  await assert.rejects(workingTree(sample.root), /dubious ownership/);
  process.env.XDG_CONFIG_HOME = join(home, 'xdg');
  await mkdir(join(home, 'xdg/git'), { recursive: true });
  for (const place of ['.gitconfig', 'xdg/git/config']) {
    const path = join(home, place);
    await writeFile(path, `[safe]\n\tdirectory = ${sample.root}\n`);
    assert.ok((await workingTree(sample.root)).revision);
    await rm(path);
    await assert.rejects(workingTree(sample.root), /dubious ownership/);
  }
});
