import * as assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { load as parse } from 'js-yaml';
import { suite } from '../_suite.ts';
import { copyRepository, repositoryFiles, root } from './_copyRepository.ts';

// action.yml in a repository of grants that is not ours, as a runner starts it; from a copy, for the script installs
// packages where they do not fit, with an npm that only notes whether it was given the token.
const test = suite('action');
let work = '';
const program = () => join(work, 'program');
const repository = () => join(work, 'access');
const output = () => join(work, 'output');

type Action = {
  inputs: Record<string, { default?: string }>;
  runs: { using: string; steps: { run: string; shell: string; env: Record<string, string> }[] };
};
const action = parse(readFileSync(join(root, 'action.yml'), 'utf8')) as Action;

function run(inputs: NodeJS.ProcessEnv, event = 'push') {
  rmSync(output(), { force: true });
  const given = Object.entries(inputs).map(([name, value]) => [`GRANTGATE_${name.toUpperCase()}`, value]);
  const result = spawnSync('bash', [join(program(), '.github/scripts/action.sh')], {
    encoding: 'utf8',
    env: {
      ...process.env,
      npm_execpath: join(work, 'npm.cjs'),
      ...{ GITHUB_WORKSPACE: repository(), GITHUB_OUTPUT: output(), GITHUB_EVENT_NAME: event },
      ...{ GRANTGATE_DECISIONS: '.grantgate/decisions', ...Object.fromEntries(given) },
    },
  });
  return { code: result.status, said: result.stdout, errors: result.stderr };
}
const git = (...args: string[]) =>
  execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@example.com', ...args], {
    cwd: repository(),
    stdio: 'pipe',
  });

test.before(() => {
  work = mkdtempSync(join(tmpdir(), 'grantgate-action-'));
  const runs =
    /^(?:(?:bundle|commands|gateway|policies|reviewer)\/|\.github\/scripts\/action\.sh|[^/]+\.(?:js|json|ts)$)/;
  copyRepository(program(), { files: repositoryFiles().filter((name) => runs.test(name)), packages: true });
  rmSync(join(program(), 'node_modules/.grantgate-installed'), { force: true });
  writeFileSync(
    join(work, 'npm.cjs'),
    `require('node:fs').writeFileSync(${JSON.stringify(join(work, 'installed'))}, process.env.GRANTGATE_TOKEN ?? 'no token');`,
  );
  cpSync(join(root, 'grants'), join(repository(), 'grants'), { recursive: true });
  git('init', '-q', '-b', 'main');
  git('add', '.');
  git('commit', '-q', '-m', 'grants');
});
test.after(() => rmSync(work, { recursive: true, force: true }));

test('inputs reach the script by the environment only, each of them', () => {
  const [step, ...others] = action.runs.steps;
  assert.equal(action.runs.using, 'composite');
  assert.equal(others.length, 0);
  assert.ok(step && !step.run.includes('${{'));
  const named = Object.values(step.env).join(' ');
  for (const name of Object.keys(action.inputs)) assert.ok(named.includes(`inputs.${name}`), name);
  const script = readFileSync(join(root, '.github/scripts/action.sh'), 'utf8');
  for (const name of Object.keys(step.env)) assert.ok(script.includes(name), name);
});

test('check passes what is sound, and fails what is not', () => {
  assert.equal(run({ command: 'check' }).code, 0);
  const file = join(repository(), 'grants/access/catalog/broken.yaml');
  writeFileSync(file, '- id: x\n');
  try {
    const { code, said } = run({ command: 'check' });
    assert.equal(code, 1);
    assert.match(said, /grants\/access\/catalog\/broken\.yaml:1:/);
  } finally {
    rmSync(file);
  }
});

test("the program's packages are seen to without the token", () => {
  rmSync(join(program(), 'node_modules/.grantgate-installed'), { force: true });
  run({ command: 'post', token: 'x', file: 'none.json', head: 'a'.repeat(40) });
  assert.equal(readFileSync(join(work, 'installed'), 'utf8'), 'no token');
});

test('check-pull says who gains and loses, and writes it where it is told to', () => {
  const file = 'grants/access/catalog/merchandising.yaml';
  const text = readFileSync(join(repository(), file), 'utf8');
  git('checkout', '-q', '-b', 'change');
  writeFileSync(join(repository(), file), text.replace(/- id: catalog-oscar-photos[\s\S]*?\n\n/, ''));
  git('commit', '-q', '-am', 'less');
  const pushed = git('rev-parse', 'HEAD').toString().trim();
  // As a runner checks a pull request out: the merge.
  git('checkout', '-q', '--detach', 'main');
  git('merge', '-q', '--no-ff', '-m', 'merge', 'change');
  const { code, errors } = run({ command: 'check-pull', base: 'main', out: 'check.json' }, 'pull_request');
  assert.equal(code, 0, errors);
  const found = readFileSync(join(repository(), 'check.json'), 'utf8');
  assert.match(found, /catalog-oscar-photos/);
  assert.equal((JSON.parse(found) as { head: string }).head, pushed);
  assert.equal(readFileSync(output(), 'utf8'), 'file=check.json\n');
});

test('whatever is wrong in the inputs is refused, and nothing of them is run', () => {
  const wrong: [NodeJS.ProcessEnv, RegExp][] = [
    [{ command: 'serve' }, /command must be/],
    [{ command: 'check; touch pwned' }, /command must be/],
    [{ command: '' }, /command must be/],
    [{ command: 'check', root: '../..' }, /root must be/],
    [{ command: 'check', root: '--help' }, /root must be/],
    [{ command: 'check-pull' }, /needs base/],
    [{ command: 'check-pull', base: '--out=pwned' }, /a branch or revision does not begin with a dash/],
    [{ command: 'build' }, /needs out/],
    [{ command: 'answer', token: 't', number: '1$(touch pwned)' }, /needs a number/],
    [{ command: 'answer', number: '1' }, /needs a token/],
    [{ command: 'review' }, /needs a token/],
    [{ command: 'request', token: 't', number: '' }, /needs a number/],
  ];
  for (const [inputs, message] of wrong) {
    const { code, said } = run(inputs);
    assert.equal(code, 2, JSON.stringify(inputs));
    assert.match(said, message);
  }
  assert.ok(!existsSync(join(repository(), 'pwned')));
});

test('post takes a file and the commit that it is of, and nothing that could be an option', () => {
  const good = { command: 'post', token: 'x', file: 'none.json', head: 'a'.repeat(40) };
  for (const change of [
    { file: '' },
    { file: '--repository=a/b' },
    { head: '' },
    { head: 'main' },
    { token: '' },
  ])
    assert.equal(run({ ...good, ...change }).code, 2, JSON.stringify(change));
});

test('what speaks to the forge speaks of the branch that is enforced', () => {
  const cli = join(program(), 'cli.ts');
  const text = readFileSync(cli, 'utf8');
  writeFileSync(cli, 'console.log(process.argv.slice(2).join(" "))');
  try {
    const given = { token: 't', number: '7', file: 'f.json', head: 'a'.repeat(40) };
    const baseOf = (command: string, base?: string) =>
      / --base (\S+)$/m.exec(run({ command, ...given, ...(base && { base }) }).said)?.[1];
    for (const command of ['post', 'review', 'answer', 'request']) {
      assert.equal(baseOf(command, 'trunk'), 'trunk', command);
      assert.equal(baseOf(command), undefined, command);
    }
    assert.equal(baseOf('check-pull', 'origin/trunk'), 'trunk');
    assert.equal(baseOf('check-pull', 'a'.repeat(40)), undefined);
  } finally {
    writeFileSync(cli, text);
  }
});
