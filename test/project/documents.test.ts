import * as assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { suite } from '../_suite.ts';
import { commandProblems } from './_commandLines.ts';
import { repositoryFiles, root } from './_copyRepository.ts';

const test = suite('documents');
const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  scripts: Record<string, string>;
};
const rooms =
  /^(?:\.github|bench|bundle|demo|docs|examples|gateway|grants|policies|reviewer|test)\/[\w./-]*$/;

/** Paths and npm scripts that a page names in code and that are not there. Names in capitals stand for others. */
function missing(markdown: string): string[] {
  const spans = [...markdown.matchAll(/`([^`\n]+)`/g)].map(([, text = '']) => text);
  const paths = spans
    .map((text) => /^(?:node )?(\S+)$/.exec(text)?.[1] ?? '')
    .filter((text) => rooms.test(text) && !/[A-Z]{3,}/.test(text));
  const commands = [...markdown.matchAll(/npm (?:run (?:--silent )?)?([a-z:]+)/g)]
    .map(([, name = '']) => name)
    .filter((name) => !['ci', 'install'].includes(name));
  return [
    ...paths.filter((path) => !existsSync(join(root, path))),
    ...commands.filter((name) => scripts[name] === undefined).map((name) => `npm run ${name}`),
  ];
}

/** Links of a page to files that are not there. */
function lost(page: string, markdown: string): string[] {
  const targets = [...markdown.replace(/```[\s\S]*?```|`[^`\n]*`/g, '').matchAll(/\]\(([^)\s]+)\)/g)].map(
    ([, target = '']) => target,
  );
  return targets.filter((target) => {
    const [path = ''] = target.split('#');
    return !/^[a-z]+:/.test(target) && path !== '' && !existsSync(join(root, dirname(page), path));
  });
}

const pages = repositoryFiles().filter((path) =>
  /^(?:[^/]+|(?:\.github|docs|examples)\/[^/]+|examples\/[^/]+\/[^/]+)\.md$/.test(path),
);

test('there is a page on security and one on contributing', () => {
  for (const page of ['.github/SECURITY.md', '.github/CONTRIBUTING.md'])
    assert.ok(pages.includes(page), page);
});

for (const page of pages) {
  test(`${page} names only what is there`, () => {
    const text = readFileSync(join(root, page), 'utf8');
    assert.deepEqual([...missing(text), ...lost(page, text), ...commandProblems(text)], []);
  });
}

test('finds what is not there', () => {
  assert.deepEqual(missing('`gateway/nowhere.ts`, `node bundle/none.ts`, `npm run nothing`'), [
    'gateway/nowhere.ts',
    'bundle/none.ts',
    'npm run nothing',
  ]);
  assert.deepEqual(missing('`gateway/admit.ts`, `policies/review/NAME.rego`, `npm test`, `npm ci`'), []);
});

test('finds links to what is not there', () => {
  assert.deepEqual(lost('docs/guide.md', '[a](none.md) [b](../nowhere/) [c](#here)'), [
    'none.md',
    '../nowhere/',
  ]);
  assert.deepEqual(lost('docs/guide.md', '[a](policy.md#x) [b](https://example.com) `[c](none.md)`'), []);
});

test('finds commands and options that are not there, in blocks and in sentences', () => {
  const block = (line: string) => commandProblems(`\`\`\`sh\n${line}\n\`\`\`\n`);
  assert.deepEqual(block('grantgate revoke orders'), ['grantgate revoke: no such command']);
  assert.deepEqual(block('TOKEN=… grantgate publish --source X \\\n  --now'), [
    'grantgate publish: no option --now',
  ]);
  assert.deepEqual(block('x=$(grantgate key old --json)'), ['grantgate key old: no such command']);
  assert.deepEqual(commandProblems('Ask `grantgate serve --fast`.'), ['grantgate serve: no option --fast']);
  assert.deepEqual(block('grantgate check --json | grep "--none" # --or'), []);
  assert.deepEqual(block('grantgate serve --config a.yaml > log 2>&1 & gateway=$!; kill --all'), []);
  assert.deepEqual(commandProblems('`grantgate records verify --usage X`, `grantgate --version`'), []);
});
