import * as assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { navigation } from '../../docs/site/navigation.ts';
import { siteProblems } from '../../docs/site/siteProblems.ts';
import { slug } from '../../docs/site/slug.ts';
import { stage } from '../../docs/site/stage.ts';
import { suite } from '../_suite.ts';
import { repositoryFiles, root } from './_copyRepository.ts';

// What the generator makes of it is looked at by `npm run docs:build`.
const test = suite('site');
const pages = navigation.flatMap(([, entries]) => entries.map(([, page]) => page));
const files = repositoryFiles();

test('every document, example and page of the reference is found by its navigation, once', () => {
  const written = files.filter(
    (path) => /^(?:docs|examples)\/.*\.md$/.test(path) && !path.startsWith('docs/site/'),
  );
  assert.deepEqual(pages.filter((page) => /^(?:docs|examples)\//.test(page)).sort(), written.sort());
  assert.equal(new Set(pages).size, pages.length);
});

test('every link of a page leads to a page, a heading or a file that is there', () => {
  const { pages: staged, problems } = stage({
    files,
    read: (path) => readFileSync(join(root, path), 'utf8'),
  });
  assert.deepEqual(problems, []);
  assert.match(staged.get('proxies.md') ?? '', /\]\(\/files\/gateway\/deploy\/proxies\/nginx-conf\.md\)/);
  assert.match(staged.get('files/gateway/deploy/proxies/nginx-conf.md') ?? '', /auth_request/);
});

/** A tree of every page in the navigation, with some replaced. */
const tree = (changed: Record<string, string>) => ({
  files: [...pages, 'gateway/a.conf', 'policies/x/a.rego', 'policies/x/a_test.rego'],
  read: (path: string) => changed[path] ?? '# One heading: `x`',
});

test('a link to another page, a heading, a file or a folder is found where it is on the site; code is left alone', () => {
  const { pages: staged, problems } = stage(
    tree({
      'docs/guide.md':
        '[a](policy.md#one-heading-x) [b](../gateway/a.conf) [c](../policies/x/) `[d](e.md)`\n```\n[f](g.md)\n```\n[h](https://example.com)',
      'gateway/a.conf': 'x {{ y }}\n````\n',
    }),
  );
  assert.deepEqual(problems, []);
  assert.equal(
    staged.get('guide.md'),
    '[a](/policy.md#one-heading-x) [b](/files/gateway/a-conf.md) [c](/files/policies/x/index.md) `[d](e.md)`\n```\n[f](g.md)\n```\n[h](https://example.com)',
  );
  assert.match(staged.get('files/gateway/a-conf.md') ?? '', /^`{5}nginx\nx \{\{ y \}\}\n````\n`{5}$/m);
  const folder = staged.get('files/policies/x/index.md') ?? '';
  assert.match(folder, /\[a\.rego\]\(\/files\/policies\/x\/a-rego\.md\)/);
  assert.doesNotMatch(folder, /a_test/);
});

test('a link to what is not there is told by page', () => {
  const dead = '[a](none.md) [b](policy.md#none) [c](#none) [d](../../outside.md) [e](../gateway/a.conf#x)';
  assert.deepEqual(stage(tree({ 'docs/guide.md': dead })).problems, [
    'docs/guide.md: none.md is not there',
    'docs/guide.md: policy.md#none: there is no such heading',
    'docs/guide.md: #none: there is no such heading',
    'docs/guide.md: ../../outside.md is not there',
    'docs/guide.md: ../gateway/a.conf#x: there is no such heading',
  ]);
});

test('headings are named as forges name them', () => {
  assert.deepEqual(['grantgate key new', 'What it *may* read?', '1. A & B', 'Über `x_y`'].map(slug), [
    'grantgate-key-new',
    'what-it-may-read',
    '1-a--b',
    'über-x_y',
  ]);
});

test('a built site that fetches from elsewhere, or leads nowhere, is found out', () => {
  const folder = mkdtempSync(join(tmpdir(), 'grantgate-site-'));
  const write = (name: string, text: string) => {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  };
  try {
    write(
      'index.html',
      '<a href="/a/b.html#c">x</a><a href="./a/">y</a><a href="https://example.com">z</a><a href="#top" id="top">t</a>',
    );
    write('a/b.html', '<h1 id="c">c</h1><a href="../index.html">x</a><script src="/x.js"></script>');
    write('a/index.html', '<a href="/">x</a>');
    write('x.css', '@font-face { src: url(/assets/inter.woff2) }');
    assert.deepEqual(siteProblems(folder), []);
    write(
      'a/b.html',
      '<a href="/none.html">x</a><a href="/index.html#none">y</a><link rel="stylesheet" href="https://cdn.example.com/a.css"><img src="//example.com/a.png">',
    );
    write(
      'x.css',
      '@import "https://fonts.example.com/css"; a { background: url(https://example.com/b.png) }',
    );
    write('y.js', `${'import'}("https://esm.example.com/a.js")`);
    assert.deepEqual(siteProblems(folder).sort(), [
      'a/b.html: /index.html#none: there is no such heading',
      'a/b.html: /none.html is not there',
      'a/b.html: fetches //example.com/a.png',
      'a/b.html: fetches https://cdn.example.com/a.css',
      'index.html: /a/b.html#c: there is no such heading',
      'x.css: fetches https://example.com/b.png',
      'x.css: fetches https://fonts.example.com/css',
      'y.js: fetches https://esm.example.com/a.js',
    ]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
