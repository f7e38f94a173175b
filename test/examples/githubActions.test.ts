import * as assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { load } from 'js-yaml';
import { check } from '../../bundle/check.ts';
import { parseConfig, readConfig } from '../../gateway/config/config.ts';
import { serve } from '../../gateway/serve.ts';
import { suite } from '../_suite.ts';
import { startUpstream } from '../gateway/_gateway.ts';
import { startIssuer } from '../gateway/_issuer.ts';
import { startWarmLoader } from '../gateway/load/_warmLoader.ts';
import { root } from '../project/_copyRepository.ts';
import { unkept } from '../project/_walkthrough.ts';
import { workflowProblems } from '../project/_workflows.ts';
import { copyExample } from './_copyExample.ts';

const test = suite('the example of GitHub Actions');
const example = await copyExample('github-actions-oidc');
const github = 'https://token.actions.githubusercontent.com';
const audience = 'https://api.example.com';
test.after(() => example.remove());

const job = (
  load(example.read('release.yml')) as {
    jobs: { announce: { steps: { run: string; env: Record<string, string> }[] } };
  }
).jobs.announce;
const [step] = job.steps;
/** What the page says that calls print: first what is allowed and denied, then what a stranger gets. */
const promised = [...example.read('README.md').matchAll(/^```text\n([\s\S]*?)^```$/gm)].map(
  ([, text = '']) => ({ shell: '', prints: text.trim().split('\n') }),
);

test('its grants are valid, its gateway trusts GitHub with named services only, its workflow asks for no more than a token', async () => {
  const { problems, warnings } = await check(join(root, 'examples/github-actions-oidc'));
  assert.deepEqual([problems, warnings], [[], []]);
  process.env.GRANTGATE_GIT_TOKEN = 'unused';
  try {
    const [issuer] = readConfig(join(root, 'examples/github-actions-oidc/gateway.yaml')).issuers;
    assert.deepEqual([issuer?.issuer, issuer?.people], [github, []]);
  } finally {
    delete process.env.GRANTGATE_GIT_TOKEN;
  }
  assert.equal(step?.env.AUDIENCE, audience);
  // Its script is run below.
  assert.deepEqual(
    workflowProblems(example.read('release.yml'), []).filter(
      (problem) => !/logic that no test reaches/.test(problem),
    ),
    [],
  );
});

test('as its page says, the run may create and not delete, and a run from elsewhere may nothing', async () => {
  const issuer = await startIssuer({ audience });
  const upstream = await startUpstream();
  let claims: Record<string, unknown> = {};
  // As GitHub hands tokens to a job that has `id-token: write`.
  const actions = createServer((request, response) => {
    const url = new URL(request.url ?? '', 'http://actions');
    if (request.headers.authorization !== 'bearer of-the-job') return void response.writeHead(401).end();
    void issuer
      .token({ ...claims, aud: url.searchParams.get('audience') })
      .then((value) => response.end(JSON.stringify({ count: 1, value })));
  }).listen(0, '127.0.0.1');
  await once(actions, 'listening');
  example.edit('grants/directory/services.yaml', (text) => text.replace(github, issuer.url));
  example.edit('grants/apis/releases.yaml', (text) =>
    text.replace('http://releases.internal:8080', upstream.url),
  );
  const git = (...args: string[]) => execFileSync('git', args, { cwd: example.folder });
  git('init', '-q', '-b', 'main');
  git('add', '.');
  git('-c', 'user.name=Ann', '-c', 'user.email=ann@example.com', 'commit', '-qm', 'Access in Git');
  const shown = load(example.read('gateway.yaml')) as { issuers: object[] };
  const gateway = await serve({
    config: parseConfig(
      {
        listen: { port: 0 },
        admin: { port: 0 },
        bundle: { source: `git+file://${example.folder}#main`, poll: '1h' },
        issuers: [{ ...shown.issuers[0], issuer: issuer.url }],
        log: { level: 'silent' },
      },
      join(example.folder, '..', 'gateway.yaml'),
    ),
    startLoader: startWarmLoader,
  });
  const bin = join(example.folder, '../tools');
  mkdirSync(bin);
  const value = 'process.stdin.on("data", (data) => console.log(JSON.parse(data).value))';
  writeFileSync(join(bin, 'jq'), `#!/bin/sh\nexec node -e '${value}'\n`, { mode: 0o755 });
  const run = async (changes: object = {}) => {
    const own = { repository: 'example/shop', repository_id: '123456789', ref: 'refs/heads/main' };
    const sub = 'repo:example/shop:environment:production';
    claims = { sub, ...own, environment: 'production', actor: 'ann', ...changes };
    const { port } = actions.address() as AddressInfo;
    const child = spawn('bash', ['-eo', 'pipefail', '-c', step?.run ?? ''], {
      env: {
        ...{ ...example.env, ...step?.env, API: gateway.url, PATH: `${example.env.PATH}:${bin}` },
        ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'of-the-job',
        ACTIONS_ID_TOKEN_REQUEST_URL: `http://127.0.0.1:${port}/token?api-version=2.0`,
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    const [code] = (await once(child, 'close')) as [number];
    assert.equal(code, 0, output);
    return output;
  };
  await fetch(`${gateway.admin}/reload`, { method: 'POST' });
  const [ours, strangers] = promised;
  assert.ok(ours !== undefined && strangers !== undefined);
  try {
    let printed = await run();
    assert.deepEqual(unkept(ours, printed), [], printed);
    assert.equal(upstream.received.length, 1);
    for (const changes of [
      { repository: 'eve/shop', sub: 'repo:eve/shop:environment:production' },
      { repository_id: '987654321' },
      { ref: 'refs/heads/next' },
      { environment: undefined },
    ]) {
      printed = await run(changes);
      assert.deepEqual(unkept(strangers, printed), [], printed);
    }
    assert.equal(upstream.received.length, 1);
  } finally {
    await gateway.close();
    actions.close();
    await upstream.close();
    await issuer.close();
  }
});
