// node bench/workflows.ts: the workflows, and action.yml in somebody else's repository, as a runner would start
// them. Runs them on this machine by `act` (https://github.com/nektos/act, on PATH or ACT) against the demo's forge, which
// takes a minute or two; says how each ended and what it wrote to the forge. `check` without its tests; `container` needs
// Docker and is left out. What the workflows use of others (checkout, artifacts, the App's token) has a stand-in here.
import { execFileSync, spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startForge } from '../demo/forge/startForge.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
/** Says that the packages are those of the lock. */
const stamp = '.grantgate-installed';
const folder = mkdtempSync(join(tmpdir(), 'grantgate-act-'));
const access = join(folder, 'access');
const token = 'bot-token-of-this-run-0123456789';
const git = (...args: string[]) =>
  execFileSync('git', ['-c', 'user.name=Ann', '-c', 'user.email=ann@example.com', ...args], {
    ...{ cwd: access, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] },
  }).trim();
const edit = (file: string, by: (text: string) => string) =>
  writeFileSync(join(access, file), by(readFileSync(join(access, file), 'utf8')));

/** Actions of others → what does their part here. */
const standIns: Readonly<Record<string, string>> = {
  'actions/checkout': 'true',
  'actions/create-github-app-token': 'exit 1',
  'actions/upload-artifact': 'mkdir -p "$STORE" && cp "$IN_PATH" "$STORE/"',
  'actions/download-artifact': 'mkdir -p "$IN_PATH" && cp "$STORE/"* "$IN_PATH/"',
};

function standInFor(name: string, run: string): string {
  const place = join(folder, 'actions', name.replace('/', '-'));
  mkdirSync(place, { recursive: true });
  writeFileSync(
    join(place, 'action.yml'),
    `name: stand-in
description: ${name}
inputs: { path: { description: where, default: "" } }
runs:
  using: composite
  steps:
    - { shell: bash, run: ${JSON.stringify(run)}, env: { IN_PATH: "\${{ inputs.path }}" } }
`,
  );
  return place;
}

const usesOf = (text: string) =>
  [...text.matchAll(/uses: ((?:actions)\/([a-z-]+)@\S+)/g)].map(([, used = '', name = '']) => ({
    used,
    name: `actions/${name}`,
  }));

execFileSync('git', ['clone', '--quiet', root, access]);
// Whatever is done to the copy's packages is done to links.
mkdirSync(join(access, 'node_modules'));
for (const name of readdirSync(join(root, 'node_modules')))
  symlinkSync(join(root, 'node_modules', name), join(access, 'node_modules', name));
rmSync(join(access, 'node_modules', stamp));
cpSync(join(root, 'node_modules', stamp), join(access, 'node_modules', stamp));
git('checkout', '--quiet', '-B', 'main');
// Whoever fills in the form must be known.
edit('grants/directory/okta.yaml', (text) => text.replace(/status: active\n/, '$&    github: ann\n'));
git('commit', '--quiet', '--all', '--message', 'grants: a name for GitHub');
const main = git('rev-parse', 'HEAD');
git('checkout', '--quiet', '-b', 'change');
edit('grants/access/catalog/merchandising.yaml', (text) => text.replace(/^- id: [\s\S]*?\n\n/m, ''));
git('commit', '--quiet', '--all', '--message', 'grants: less');
const pushed = git('rev-parse', 'HEAD');
git('checkout', '--quiet', 'main');
const repository = join(folder, 'forge.git');
execFileSync('git', ['clone', '--quiet', '--bare', access, repository]);
git('remote', 'set-url', 'origin', repository);
git('fetch', '--quiet', 'origin');
const forge = await startForge({
  ...{ repository, owner: 'northwind', name: 'access', token },
  users: [{ login: 'ann', token: 'token-of-ann-0123456789', permission: 'write' }],
});
git('remote', 'set-url', 'origin', forge.cloneUrl);

const headers = { authorization: 'token token-of-ann-0123456789' };
async function call(path: string, body: object): Promise<{ number: number }> {
  const url = `${forge.api}/repos/northwind/access${path}`;
  const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
  return (await answer.json()) as { number: number };
}

/** What stands in for `gh` and for the network of a runner. */
const bin = join(folder, 'bin');
mkdirSync(bin);
writeFileSync(join(bin, 'gh'), `#!/bin/sh\necho "gh $*" >>${join(folder, 'gh.log')}\n`);
chmodSync(join(bin, 'gh'), 0o755);

/** What another repository writes to use action.yml. */
const somebodys = `on: pull_request
jobs:
  grants:
    runs-on: ubuntu-24.04
    steps:
      - uses: actions/checkout@v7
      - uses: northwind/grantgate@v1
        with:
          command: check-pull
          number: \${{ github.event.pull_request.number }}
          token: \${{ secrets.GITHUB_TOKEN }}
`;

type Run = {
  name: string;
  event: string;
  payload: object;
  job?: string;
  secrets?: Readonly<Record<string, string>>;
  workflow?: string;
};

async function act({ name, event, payload, job, secrets = {}, workflow }: Run): Promise<number> {
  const file = workflow ?? `.github/workflows/${name}.yml`;
  const text = readFileSync(join(access, file), 'utf8');
  writeFileSync(join(folder, 'event.json'), JSON.stringify(payload));
  const replaced = usesOf(text).flatMap(({ used, name: of }) => [
    '--local-repository',
    `${used}=${standInFor(of, standIns[of] ?? 'exit 1')}`,
  ]);
  const env = {
    GITHUB_API_URL: forge.api,
    GITHUB_SERVER_URL: forge.url,
    GITHUB_REPOSITORY: 'northwind/access',
    STORE: join(folder, 'store'),
  };
  const args = [
    ...[
      event,
      '--workflows',
      file,
      '--eventpath',
      join(folder, 'event.json'),
      '--no-cache-server',
      '--use-gitignore=false',
      '--action-cache-path',
      join(folder, 'cache'),
    ],
    ...['--platform', 'ubuntu-24.04=-self-hosted', '--actor', 'ann', '--defaultbranch', 'main'],
    ...['--action-offline-mode', '--local-repository', `northwind/grantgate@v1=${access}`, ...replaced],
    ...Object.entries(env).flatMap(([key, value]) => ['--env', `${key}=${value}`]),
    ...Object.entries({ GITHUB_TOKEN: token, ...secrets }).flatMap(([key]) => ['--secret', key]),
    ...(job === undefined ? [] : ['--job', job]),
  ];
  const before = forge.calls.length;
  const began = performance.now();
  const child = spawn(process.env.ACT ?? 'act', args, {
    cwd: access,
    env: {
      ...process.env,
      ...{ GITHUB_TOKEN: token, ...secrets },
      PATH: `${bin}${delimiter}${process.env.PATH}`,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let log = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (log += String(chunk)));
  const code = await new Promise<number>((done) => child.once('close', (status) => done(status ?? 1)));
  const writes = forge.calls
    .slice(before)
    .filter(({ method }) => method !== 'GET')
    .map(({ method, path }) => `${method} ${path.replace('/api/v3/repos/northwind/access', '')}`);
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  console.log(
    `${code === 0 ? 'ok  ' : 'FAIL'} ${name.padEnd(10)} ${seconds.padStart(6)} s  ${writes.length} writes`,
  );
  for (const write of writes) console.log(`       ${write}`);
  if (code !== 0 || process.env.VERBOSE) console.log(log);
  return code;
}

let worst = 0;
const run = async (one: Run) => {
  worst = Math.max(worst, await act(one));
};
try {
  const pull = await call('/pulls', { title: 'Less', body: '', head: 'change', base: 'main' });
  const inPull = {
    number: pull.number,
    pull_request: {
      number: pull.number,
      head: { sha: pushed, ref: 'change' },
      base: { ref: 'main', sha: main },
    },
  };
  git('checkout', '--quiet', '--detach', 'main');
  git('merge', '--quiet', '--no-ff', '--message', 'a runner merges', 'origin/change');
  await run({ name: 'check', event: 'pull_request', job: 'grants', payload: inPull });
  const theirs = '.github/workflows/theirs.yml';
  writeFileSync(join(access, theirs), somebodys);
  await run({ name: 'action', workflow: theirs, event: 'pull_request', payload: inPull });
  rmSync(join(access, theirs));
  git('checkout', '--quiet', 'main');
  const ran = { workflow_run: { id: 1, event: 'pull_request', head_sha: pushed } };
  await run({ name: 'post', event: 'workflow_run', payload: ran });
  await run({ name: 'review', event: 'workflow_dispatch', payload: { ref: 'refs/heads/main' } });
  const listed = await fetch(`${forge.api}/repos/northwind/access/pulls?state=open`, { headers });
  const pulls = (await listed.json()) as { number: number; head: { ref: string } }[];
  const number = pulls.find(({ head }) => head.ref.startsWith('grantgate/review/'))?.number;
  await call(`/issues/${number}/comments`, { body: '/why' });
  const commented = {
    issue: { number, pull_request: {} },
    comment: { author_association: 'MEMBER' },
  };
  await run({ name: 'answer', event: 'issue_comment', payload: { action: 'created', ...commented } });
  const form =
    '### API\n\nreports\n\n### Role\n\nadmin\n\n### Operations\n\n_No response_\n\n### How long\n\n7d\n\n### Reason\n\nthe audit\n\n### Ticket\n\n_No response_\n';
  const issue = await call('/issues', { title: 'Access request', body: form, labels: ['access-request'] });
  const opened = { action: 'opened', issue: { number: issue.number, labels: [{ name: 'access-request' }] } };
  await run({ name: 'request', event: 'issues', payload: opened });
  const key = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
  const pem = key.export({ type: 'pkcs8', format: 'pem' }).toString();
  await run({
    name: 'bundle',
    event: 'push',
    payload: { ref: 'refs/heads/main' },
    secrets: { BUNDLE_SIGNING_KEY: pem },
  });
  console.log(readFileSync(join(folder, 'gh.log'), 'utf8').replace(/^/gm, '       ').trimEnd());
} finally {
  await forge.close();
  rmSync(folder, { recursive: true, force: true });
}
process.exitCode = worst;
