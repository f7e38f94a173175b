import * as assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { load as parse } from 'js-yaml';
import { checkName } from '../../reviewer/check/postCheck.ts';
import { readIssueForm } from '../../reviewer/requests/readIssueForm.ts';
import { suite } from '../_suite.ts';
import { root } from './_copyRepository.ts';
import { workflowProblems } from './_workflows.ts';

const test = suite('workflows');
const folder = join(root, '.github/workflows');
const files = readdirSync(folder).sort();
const text = (file: string) => readFileSync(join(folder, file), 'utf8');
const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  scripts: Record<string, string>;
};

test('there are those that the project needs', () => {
  assert.deepEqual(files, [
    'answer.yml',
    'bundle.yml',
    'check.yml',
    'container.yml',
    'post.yml',
    'queue.yml',
    'release.yml',
    'request.yml',
    'review.yml',
  ]);
});

test('the form for access asks what the program reads', () => {
  const form = parse(readFileSync(join(root, '.github/ISSUE_TEMPLATE/access-request.yml'), 'utf8')) as {
    labels: string[];
    body: { attributes: { label: string; placeholder?: string }; validations?: { required: boolean } }[];
  };
  assert.match(text('request.yml'), new RegExp(`labels.\\*.name, '${form.labels[0]}'`));
  const answered = (skip: string) =>
    form.body
      .map(
        ({ attributes: { label, placeholder } }) =>
          `### ${label}\n\n${label === skip ? '_No response_' : (placeholder ?? 'x')}`,
      )
      .join('\n\n');
  assert.equal(readIssueForm(answered('Operations')).role, 'reader');
  assert.deepEqual(readIssueForm(answered('Role')).operations, ['getOrder', 'listOrders']);
  const full = answered('Role');
  for (const { attributes, validations } of form.body)
    if (validations?.required) {
      const without = full.replace(new RegExp(`(### ${attributes.label}\\n\\n)[^#]*`), '$1_No response_\n\n');
      assert.throws(() => readIssueForm(without), new RegExp(`"${attributes.label}" is not answered`));
    }
});

for (const file of files) {
  test(`${file} is sound`, () => {
    assert.deepEqual(workflowProblems(text(file), Object.keys(scripts)), []);
  });
}

test('an action has one commit, in whatever workflow', () => {
  const commits = new Map<string, Set<string>>();
  for (const [, action = '', commit = ''] of files
    .map(text)
    .join('\n')
    .matchAll(/uses: ([^@\s]+)@(\S+ # \S+)/g))
    commits.set(action, (commits.get(action) ?? new Set()).add(commit));
  assert.ok(commits.size > 0);
  for (const [action, found] of commits) assert.equal(found.size, 1, action);
});

test('a pull request runs all tests and the check of its grants', () => {
  assert.match(text('check.yml'), /run: npm test$/m);
  assert.match(text('check.yml'), /run: npm run --silent grantgate -- check$/m);
});

test('a merge queue gets the check by the name that pull requests have it under, and they no skipped one', () => {
  const template = readFileSync(join(root, 'bundle/scaffold/template/github/workflows/queue.yml'), 'utf8');
  for (const queue of [text('queue.yml'), template]) {
    const { on, jobs } = parse(queue) as { on: object; jobs: Record<string, { name?: string; if?: string }> };
    assert.deepEqual(Object.keys(on), ['merge_group']);
    assert.deepEqual(
      Object.values(jobs).map(({ name, if: when }) => [name, when]),
      [[checkName, undefined]],
    );
  }
});

test('whatever counts commits or looks back has the whole history', () => {
  for (const file of ['bundle.yml', 'check.yml', 'queue.yml', 'review.yml']) {
    const { jobs } = parse(text(file)) as {
      jobs: Record<string, { steps: { uses?: string; with?: object }[] }>;
    };
    for (const { steps } of Object.values(jobs))
      for (const step of steps.filter(({ uses }) => uses?.startsWith('actions/checkout@')))
        assert.deepEqual(step.with, { 'fetch-depth': 0, 'persist-credentials': false }, file);
  }
});

const sound = `
name: sound
on: pull_request
permissions: {}
concurrency: { group: sound, cancel-in-progress: true }
jobs:
  one:
    runs-on: ubuntu-24.04
    timeout-minutes: 5
    permissions: { contents: read }
    steps:
      - uses: actions/checkout@0123456789abcdef0123456789abcdef01234567 # v1.2.3
        with: { persist-credentials: false }
      - run: npm test
`;

test('a sound workflow has no problems', () => {
  assert.deepEqual(workflowProblems(sound, []), []);
});

const breaches: [string, string | RegExp, string, RegExp][] = [
  ['pull_request_target', 'on: pull_request', 'on: [pull_request_target]', /on behalf of strangers/],
  ['comments of anybody', 'on: pull_request', 'on: [issue_comment]', /on behalf of strangers/],
  ['rights for all jobs', 'permissions: {}', 'permissions: { contents: read }', /must be \{\}/],
  ['no rights named', /^permissions: \{\}\n/m, '', /must be \{\}/],
  ['no concurrency', /^concurrency.*\n/m, '', /concurrency/],
  ['rights of a job left open', '    permissions: { contents: read }\n', '', /job one: permissions must/],
  ['all rights for a job', '{ contents: read }', 'write-all', /job one: permissions must/],
  ['rights to write for a pull request', 'contents: read', 'contents: write', /with a token that writes/],
  ['no time limit', '    timeout-minutes: 5\n', '', /timeout-minutes/],
  ['a runner that moves', 'ubuntu-24.04', 'ubuntu-latest', /runs-on/],
  [
    'an action by tag',
    '0123456789abcdef0123456789abcdef01234567 # v1.2.3',
    'v1',
    /not pinned by commit.*checkout@v1/,
  ],
  ['a commit without its version', ' # v1.2.3', '', /not pinned by commit/],
  ['a checkout that keeps its token', '{ persist-credentials: false }', '{}', /leaves its token/],
  ['a step with logic', 'npm test', 'npm test && rm -rf /', /no test reaches/],
  ['a step that interpolates', 'npm test', `echo \${{ inputs.x }}`, /no test reaches/],
  [
    'a title interpolated',
    'group: sound',
    `group: "\${{ github.event.pull_request.title }}"`,
    /strangers write/,
  ],
  ['a script nobody wrote', 'npm test', 'npm run --silent bundle', /no script "bundle"/],
  [
    'a secret for every step',
    '    steps:',
    `    env: { KEY: "\${{ secrets.KEY }}" }\n    steps:`,
    /a secret is given to every step/,
  ],
  ['a secret for every job', 'jobs:', `env: { KEY: "\${{ secrets.KEY }}" }\njobs:`, /given to every job/],
  [
    'a secret for a pull request',
    'npm test',
    `npm test\n        env: { KEY: "\${{ secrets.KEY }}" }`,
    /pull request is given a secret/,
  ],
];
for (const [what, from, to, expected] of breaches) {
  test(`finds ${what}`, () => {
    const changed = sound.replace(from, to);
    assert.notEqual(changed, sound);
    assert.match(workflowProblems(changed, ['grantgate']).join('\n'), expected);
  });
}
