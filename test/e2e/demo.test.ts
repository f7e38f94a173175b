import * as assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from '../_suite.ts';

const test = suite('demo');
const cli = fileURLToPath(new URL('../../cli.ts', import.meta.url));
const root = mkdtempSync(join(tmpdir(), 'grantgate-demo-'));
const folder = join(root, 'demo');
test.after(() => rmSync(root, { recursive: true, force: true }));

type Run = { child: ChildProcess; output: () => string; ended: Promise<number | null> };

function run(...args: string[]): Run {
  const child = spawn(process.execPath, [cli, 'demo', '--folder', folder, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  const add = (chunk: Buffer) => {
    text += chunk.toString();
  };
  child.stdout?.on('data', add);
  child.stderr?.on('data', add);
  const ended = new Promise<number | null>((done) => child.once('close', (code) => done(code)));
  return { child, output: () => text, ended };
}

/** The command lines of all living processes that mention the demo's folder. */
function processes(): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((pid) => {
      try {
        const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
        return line.includes(folder) ? [line] : [];
      } catch {
        return [];
      }
    });
}

async function until<T>(probe: () => T | Promise<T>, ms: number): Promise<NonNullable<T>> {
  for (const end = Date.now() + ms; Date.now() < end; ) {
    const value = await probe();
    if (value) return value;
    await new Promise((done) => setTimeout(done, 100));
  }
  return assert.fail('it did not happen in time');
}

type State = {
  gateway: string;
  admin: string;
  forge: string;
  repository: string;
  tokens: Record<string, string>;
  pulls: { number: number; url: string; grants: string[] }[];
};
const state = () => JSON.parse(readFileSync(join(folder, 'state.json'), 'utf8')) as State;

test('the tour holds: allowed, merged, refused at once, nobody else disturbed, nothing left to propose', async () => {
  const { output, ended } = run('--tour');
  const code = await ended;
  assert.equal(code, 0, output());
  const took = Number(/^merge → enforced: (\d+) ms$/m.exec(output())?.[1]);
  assert.ok(took > 0, output());
  assert.match(output(), /→ 200 /);
  assert.match(output(), /application\/problem\+json/);
  assert.match(output(), /: 0 failed/);
  assert.deepEqual(processes(), []);
  assert.equal(existsSync(join(folder, 'state.json')), false);
});

test('told to end while it starts it leaves no process and no broken state; killed outright, the gateway ends, too', async () => {
  // With the gateway and a thread at work beside it; that Ctrl-C ends it once all is there is told below.
  const { child, ended, output } = run();
  await until(() => output().includes('writing 120 days'), 300_000);
  child.kill('SIGTERM');
  assert.equal(await ended, 130, output());
  assert.deepEqual(processes(), []);
  assert.equal(existsSync(join(folder, 'demo.pid')), false);
  const killed = run();
  await until(() => killed.output().includes('writing 120 days'), 300_000);
  assert.ok(processes().length > 1, 'a gateway is there to be left behind');
  killed.child.kill('SIGKILL');
  await killed.ended;
  // The gateway notices that nobody is left to serve.
  await until(() => processes().length === 0, 60_000);
  assert.ok(existsSync(join(folder, 'demo.pid')));
});

test('after that it runs until Ctrl-C, tells where everything is, works as it says, and leaves nothing behind', async () => {
  assert.notDeepEqual(readdirSync(folder), [], 'what was killed has left its folder as it was');
  const { child, output, ended } = run();
  await until(() => existsSync(join(folder, 'state.json')) && output().includes('git clone'), 300_000);
  const { gateway, admin, forge, repository, tokens, pulls } = state();
  assert.ok(existsSync(join(repository, 'HEAD')));
  assert.ok(pulls.length > 0 && pulls.every(({ grants }) => grants.length > 0));

  const curls = [
    ...output().matchAll(
      /^ {2}curl -s(?: -X ([A-Z]+))? -H "([^:]+): (Bearer )?\$\(cat (\S+)\)" \\\n {4}(\S+)$/gm,
    ),
  ];
  assert.ok(curls.length >= 4, output());
  const statuses = await Promise.all(
    curls.map(
      async ([, method = 'GET', name = '', scheme = '', file = '', url = '']) =>
        (await fetch(url, { method, headers: { [name]: scheme + readFileSync(file, 'utf8') } })).status,
    ),
  );
  assert.deepEqual(statuses.filter((status) => status === 403).length, 1);
  assert.deepEqual(statuses.filter((status) => status === 200).length, statuses.length - 1);

  // No secret stands in what is printed, and what is pasted fits on a line.
  assert.doesNotMatch(output(), /eyJ|gg_demo_|Bearer (?!\$)/);
  assert.match(output(), /git clone "http:\/\/maintainer:\$\(cat \S+\)@127\.0\.0\.1:\d+\//);
  assert.equal((await fetch(`${admin}/health/ready`)).status, 200);
  assert.equal((await fetch(`${gateway}/orders/v1/orders`)).status, 401);
  assert.ok(Object.keys(tokens).length > 30);
  const page = await (await fetch(pulls[0]?.url ?? forge)).text();
  assert.ok(page.includes(pulls[0]?.grants[0] ?? '-'));

  const address = (name: string) => new RegExp(`^  ${name} +(http\\S+)`, 'm').exec(output())?.[1] ?? '';
  const console = await (await fetch(`${address('console')}access?api=orders`)).text();
  assert.match(console, /grants\/access\/orders\//);
  const tour = address('BEGIN HERE');
  const press = (origin: string) =>
    fetch(`${tour}next`, { method: 'POST', headers: { origin }, redirect: 'manual' });
  assert.match(await (await fetch(tour)).text(), /<button>Step 1: /);
  assert.equal((await press('http://evil.example')).status, 403);
  assert.match(await (await fetch(tour)).text(), /<button>Step 1: /);
  assert.equal((await press(tour.slice(0, -1))).status, 303);
  const walked = async () => {
    const text = await (await fetch(tour)).text();
    return text.includes('<button>Step 2: ') ? text : null;
  };
  assert.match(await until(walked, 60_000), / → 200 /);

  const second = run();
  assert.equal(await second.ended, 1);
  assert.match(second.output(), /running already/);

  child.kill('SIGINT');
  assert.equal(await ended, 0, output());
  assert.deepEqual(processes(), []);
  for (const name of ['state.json', 'tokens']) assert.equal(existsSync(join(folder, name)), false);
});

test('a folder with other files is left alone', async () => {
  rmSync(folder, { recursive: true, force: true });
  const other = join(root, 'demo');
  const { mkdirSync } = await import('node:fs');
  mkdirSync(other);
  writeFileSync(join(other, 'thesis.txt'), 'years of work');
  const { ended, output } = run();
  assert.equal(await ended, 1);
  assert.match(output(), /not a demo's/);
  assert.equal(readFileSync(join(other, 'thesis.txt'), 'utf8'), 'years of work');
});
