import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { findOpa, OpaError, opaVersion, openOpa } from '../../../bundle/policy/opa.ts';
import { suite } from '../../_suite.ts';
import { folder } from '../_opa.ts';

const test = suite('opa');

/** A program that answers `opa version`; stands for releases and builds, which take minutes or the network. */
const script = (version: string) =>
  `#!/bin/sh\nif [ "$1" = version ]; then echo "Version: ${version}"; else exit 3; fi\n`;
const good = Buffer.from(script(opaVersion));
const digest = createHash('sha256').update(good).digest('hex');

let work: Awaited<ReturnType<typeof folder>>;
let server: Server;
let answer: RequestListener;
let asked: string[];
let env: NodeJS.ProcessEnv;
test.before.each(async () => {
  work = await folder();
  asked = [];
  server = createServer((request, response) => {
    asked.push(request.url ?? '');
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  answer = (_, response) => response.end(good);
  env = {
    PATH: '/usr/bin:/bin',
    XDG_CACHE_HOME: join(work.path, 'cache'),
    OPA_RELEASES: `http://127.0.0.1:${(server.address() as AddressInfo).port}/download`,
  };
});
test.after.each(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await work.remove();
});

const program = async (name: string, text: string) => {
  await mkdir(join(work.path, 'bin'), { recursive: true });
  const path = join(work.path, 'bin', name);
  await writeFile(path, text, { mode: 0o755 });
  return path;
};
const cached = () => join(work.path, 'cache/grantgate', `opa-${opaVersion}`, 'opa');
const find = async (
  extra: NodeJS.ProcessEnv = {},
  digests: { digests?: Record<string, string> } = { digests: {} },
) => {
  const lines: string[] = [];
  const progress = (line: string) => lines.push(line);
  try {
    return { opa: await findOpa({ env: { ...env, ...extra }, progress, ...digests }), lines };
  } catch (error) {
    assert.instance(error, OpaError);
    return { error: error as OpaError, lines };
  }
};
/** What is in the cache's folder besides the binary. */
const leftovers = async () =>
  (await readdir(join(work.path, 'cache/grantgate', `opa-${opaVersion}`))).filter((name) => name !== 'opa');
const withBin = () => ({ PATH: `${join(work.path, 'bin')}:/usr/bin:/bin` });

test('takes OPA_PATH when it is the pinned version', async () => {
  const path = await program('mine', script(opaVersion));
  assert.is((await find({ OPA_PATH: path })).opa?.path, path);
});

test('is looked for when it is first run, once, and again after it was not found', async () => {
  const path = join(work.path, 'bin/opa');
  const asked = join(work.path, 'asked');
  const opa = openOpa({ env: { ...env, OPA_PATH: path } });
  assert.is(opa.version, opaVersion);
  const missing = await opa.run(['check']).catch((error: unknown) => error);
  assert.instance(missing, OpaError);
  assert.is((missing as OpaError).code, 'opa-unusable');
  await program('opa', `#!/bin/sh\necho "$1" >> ${asked}\necho "Version: ${opaVersion}"\n`);
  assert.is((await opa.run(['check'])).code, 0);
  assert.is((await opa.run(['test'])).code, 0);
  assert.is(await readFile(asked, 'utf8'), 'version\ncheck\ntest\n');
  await program('opa', script('0.68.0'));
  const other = openOpa({ env: { ...env, OPA_PATH: path } });
  assert.is(
    ((await other.run(['check']).catch((error: unknown) => error)) as OpaError).code,
    'opa-wrong-version',
  );
});

test('another version at OPA_PATH is an error that says what was found and what to do', async () => {
  const path = await program('mine', script('0.68.0'));
  const { error } = await find({ OPA_PATH: path });
  assert.is(error?.code, 'opa-wrong-version');
  assert.is(
    error?.message,
    `OPA_PATH (${path}) is OPA 0.68.0, expected ${opaVersion}: point it at that version, or unset it to have it found or installed`,
  );
  assert.is((await find({ OPA_PATH: join(work.path, 'none') })).error?.code, 'opa-unusable');
  assert.is(
    (await find({ OPA_PATH: await program('mute', '#!/bin/sh\nexit 1\n') })).error?.code,
    'opa-unusable',
  );
});

test('takes opa from PATH; another version there is passed over, and that is said', async () => {
  const path = await program('opa', script(opaVersion));
  assert.is((await find(withBin())).opa?.path, path);
  await program('opa', script('1.0.0'));
  const { opa, lines } = await find({ ...withBin(), OPA_SHA256: digest });
  assert.is(opa?.path, cached());
  assert.ok(lines.includes(`opa: passing over ${path} (is OPA 1.0.0), ${opaVersion} is needed`));
});

test('installs the release once, checked against its digest, and then finds it in the cache', async () => {
  const first = await find({ OPA_SHA256: digest });
  assert.is(first.opa?.path, cached());
  assert.is(asked.length, 1);
  assert.match(String(asked[0]), new RegExp(`^/download/v${opaVersion}/opa_[a-z0-9_]+`));
  assert.equal(await leftovers(), []);
  const second = await find();
  assert.is(second.opa?.path, cached());
  assert.equal([asked.length, second.lines], [1, []]);
});

test('a release that is not the pinned file is not installed', async () => {
  const { error } = await find({ OPA_SHA256: 'a'.repeat(64) });
  assert.is(error?.code, 'opa-digest');
  assert.match(
    String(error?.message),
    `has SHA-256 ${digest}, expected ${'a'.repeat(64)}: it was not installed`,
  );
  assert.equal(await leftovers(), []);
  assert.not((await readdir(join(work.path, 'cache/grantgate', `opa-${opaVersion}`))).includes('opa'));
});

test('the digests that are pinned hold for the releases by their names, unless another one is named', async () => {
  const names = ['opa_darwin_arm64', 'opa_linux_amd64_static', 'opa_linux_arm64_static'];
  answer = withChecksum(digest);
  const { error } = await find({}, {});
  const name = asked[0]?.split('/').at(-1) ?? '';
  assert.is(error?.code, names.includes(name) ? 'opa-digest' : undefined);
  assert.not(names.includes(name) && asked.some((url) => url.endsWith('.sha256')));
  assert.is((await find({}, { digests: { [name]: digest } })).opa?.path, cached());
  assert.is(asked.length, 2);
  await writeFile(cached(), 'not a program');
  assert.is((await find({ OPA_SHA256: digest }, {})).opa?.path, cached());
});

/** Answers for a release whose checksum file says this. */
const withChecksum =
  (text: string): RequestListener =>
  ({ url }, response) =>
    void response.end(url?.endsWith('.sha256') ? text : good);

test('without a pinned digest and without Go the checksum file beside the release is used, and that is said', async () => {
  answer = withChecksum(`${digest.toUpperCase()}  opa_linux_amd64_static\n`);
  const { opa, lines } = await find();
  assert.is(opa?.path, cached());
  assert.is(asked.length, 2);
  assert.is(`${asked[1]}.sha256`, asked[0]);
  assert.ok(lines.some((line) => line.includes('is pinned here, so it is checked against')));
  assert.equal(await leftovers(), []);
});

test('a release that is not what its checksum file says is not installed', async () => {
  answer = withChecksum(`${'a'.repeat(64)}  opa\n`);
  assert.is((await find()).error?.code, 'opa-digest');
  for (const text of ['', 'not found', digest.slice(1), `${digest}0`, `<html>${digest}`]) {
    answer = withChecksum(text);
    assert.match(String((await find()).error?.message), 'holds no SHA-256');
  }
  answer = (_, response) => response.writeHead(404).end();
  assert.match(String((await find()).error?.message), 'answered 404');
  assert.equal(await leftovers(), []);
});

test('a digest that somebody names goes before any checksum file, also when it is none', async () => {
  answer = withChecksum(digest);
  assert.is((await find({ OPA_SHA256: 'b'.repeat(64) })).error?.code, 'opa-digest');
  assert.is((await find({ OPA_SHA256: 'latest' })).error?.code, 'opa-missing');
  assert.not(asked.some((url) => url.endsWith('.sha256')));
});

test('a missing, cut or unreachable release is told with everything that was looked at', async () => {
  answer = (_, response) => response.writeHead(404).end();
  const missing = await find({ OPA_SHA256: digest });
  assert.is(missing.error?.code, 'opa-missing');
  for (const part of [
    'OPA_PATH: not set',
    'PATH: no opa',
    cached(),
    'answered 404',
    'Go: not on PATH',
    'set OPA_PATH',
  ])
    assert.match(String(missing.error?.message), part);

  answer = (_, response) => {
    response.writeHead(200, { 'content-length': good.length });
    response.write(good.subarray(0, 10), () => response.destroy());
  };
  assert.is((await find({ OPA_SHA256: digest })).error?.code, 'opa-missing');
  // Cut short without a length, so that only the digest tells.
  answer = (_, response) => response.end(good.subarray(0, 10));
  assert.is((await find({ OPA_SHA256: digest })).error?.code, 'opa-digest');
  const nowhere = await find({ OPA_SHA256: digest, OPA_RELEASES: 'http://127.0.0.1:1' });
  assert.is(nowhere.error?.code, 'opa-missing');
  assert.equal(await leftovers(), []);
});

test('builds with Go where no release can be had, and says so', async () => {
  await program(
    'go',
    `#!/bin/sh\n[ "$1 $2" = "install github.com/open-policy-agent/opa@v${opaVersion}" ] || exit 9\ncat > "$GOBIN/opa" <<'END'\n${script(opaVersion)}END\nchmod 755 "$GOBIN/opa"\n`,
  );
  const { opa, lines } = await find(withBin());
  assert.is(opa?.path, cached());
  assert.ok(lines.some((line) => line.includes('with Go')));
  assert.equal(await leftovers(), []);
  const { code, stdout } = (await opa?.run(['version'])) ?? { code: 1, stdout: '' };
  assert.equal([code, stdout], [0, `Version: ${opaVersion}\n`]);
});

test('what Go says when it fails is passed on', async () => {
  await program('go', '#!/bin/sh\necho "no such module" >&2\nexit 1\n');
  const { error } = await find(withBin());
  assert.match(String(error?.message), 'Go: no such module');
  assert.equal(await leftovers(), []);
});

test('several at once install once', async () => {
  const found = await Promise.all([
    find({ OPA_SHA256: digest }),
    find({ OPA_SHA256: digest }),
    find({ OPA_SHA256: digest }),
  ]);
  for (const { opa } of found) assert.is(opa?.path, cached());
  assert.is(asked.length, 1);
  assert.ok(found.some(({ lines }) => lines.some((line) => line.includes('another process'))));
  assert.ok((await readFile(cached())).equals(good));
  assert.equal(await leftovers(), []);
});

test('a lock that a process left behind when it ended is taken over', async () => {
  const folder = join(work.path, 'cache/grantgate', `opa-${opaVersion}`);
  await mkdir(folder, { recursive: true });
  const ended = start({ OPA_PATH: '/nowhere' });
  await ended.ended;
  await writeFile(join(folder, 'lock'), `${hostname()} ${ended.child.pid}`);
  assert.is((await find({ OPA_SHA256: digest })).opa?.path, cached());
  // Of another machine, which nobody can ask: it has been silent for long.
  await writeFile(cached(), 'not a program');
  await writeFile(join(folder, 'lock'), 'elsewhere 1');
  await utimes(join(folder, 'lock'), 0, 0);
  assert.is((await find({ OPA_SHA256: digest })).opa?.path, cached());
});

test('the one in the cache is asked once what it is, for as long as nobody put another in its place', async () => {
  const starts = join(work.path, 'starts');
  const counting = (version: string) => `${script(version)}\necho >> ${starts}\n`;
  await find({ OPA_SHA256: digest });
  await writeFile(cached(), counting(opaVersion));
  for (let round = 0; round < 3; round += 1) assert.is((await find()).opa?.path, cached());
  assert.is((await readFile(starts, 'utf8')).length, 1);
  // As long as the one before, under its name and in its place.
  await writeFile(cached(), counting('0.68.0'));
  assert.is((await find({ OPA_SHA256: digest })).opa?.path, cached());
  assert.ok((await readFile(cached())).equals(good));
});

test('a broken binary in the cache is replaced', async () => {
  await find({ OPA_SHA256: digest });
  await writeFile(cached(), 'not a program');
  assert.is((await find({ OPA_SHA256: digest })).opa?.path, cached());
  assert.ok((await readFile(cached())).equals(good));
});

const main = fileURLToPath(new URL('../../../bundle/policy/opa.ts', import.meta.url));
const start = (extra: NodeJS.ProcessEnv) => {
  const child = spawn(process.execPath, [main], {
    env: { ...env, ...extra },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
  return {
    child,
    ended: new Promise<number | null>((resolve) => child.on('close', resolve)),
    output: () => output,
  };
};

test('as a program it sees that opa is there, with progress and an exit code', async () => {
  const good = start({ OPA_SHA256: digest });
  assert.is(await good.ended, 0);
  assert.match(good.output(), 'opa: downloading');
  const bad = start({ OPA_PATH: '/nowhere/opa' });
  assert.is(await bad.ended, 1);
  assert.match(bad.output(), /^opa: OPA_PATH \(\/nowhere\/opa\) does not run/);
});

test('stopped in the middle of a download it leaves nothing that would be taken for opa', async () => {
  let begun = () => {};
  const started = new Promise<void>((resolve) => {
    begun = resolve;
  });
  answer = (_, response) => {
    response.writeHead(200, { 'content-length': good.length });
    response.write(good.subarray(0, 10), () => begun());
  };
  const { child, ended } = start({ OPA_SHA256: digest });
  await started;
  child.kill('SIGINT');
  await ended;
  answer = (_, response) => response.end(good);
  assert.is((await find({ OPA_SHA256: digest })).opa?.path, cached());
});
