import * as assert from 'node:assert/strict';
import { request } from 'node:http';
import { markdown } from '../../../demo/forge/pages/markdown.ts';
import { suite } from '../../_suite.ts';
import { git, lines, type Northwind, northwind, where } from '../_northwind.ts';

const test = suite('forge pages');
let world: Northwind;

test.before(async () => {
  world = await northwind();
});
test.after(() => world.close());

const page = async (path: string) => {
  const response = await fetch(world.forge.url + path);
  return { status: response.status, text: await response.text(), headers: response.headers };
};

const allowed = new Set(
  'html head meta title link body header nav a span b main h1 h2 h3 p code section div details summary table thead tbody tr th td mark ul ol li form input button textarea label time pre blockquote strong em br hr kbd sub sup del'.split(
    ' ',
  ),
);

/** Every tag of a page is of the forge's own making: known, without handlers, leading nowhere strange. */
function assertInert(text: string): void {
  for (const [tag, name = ''] of text.matchAll(/<\/?([a-z][a-z0-9]*)[^>]*>/gi)) {
    assert.ok(allowed.has(name.toLowerCase()), `unexpected tag ${tag}`);
    // Quoted values may say anything; what is outside the quotes may not be a handler.
    const bare = tag.replace(/"[^"]*"/g, '""');
    assert.doesNotMatch(bare, /\son[a-z]+\s*=|\sstyle\s*=|\ssrc/i, tag);
    for (const [, value = ''] of tag.matchAll(/(?:href|action)="([^"]*)"/gi))
      assert.match(value, /^(\/(?!\/)|#|https?:\/\/|mailto:)/, tag);
  }
}

const attacks = [
  '<script>alert(1)</script>',
  '<img src=x onerror=alert(1)>',
  '<details open ontoggle=alert(1)>',
  '<summary onclick="alert(1)">x</summary>',
  '<a href="javascript:alert(1)">x</a>',
  '[x](javascript:alert(1))',
  '[x](JaVaScRiPt:alert(1))',
  '[x](java\tscript:alert(1))',
  '[x](data:text/html,<script>alert(1)</script>)',
  '[x](vbscript:x)',
  '![x](javascript:alert(1))',
  '![x" onerror="alert(1)](http://x.example/"onerror="alert(1))',
  '[x](http://a.example/"onmouseover="alert(1) "t\\"x")',
  '<javascript:alert(1)>',
  '<!-- --><svg onload=alert(1)><!-- -->',
  '<!--><img src=x onerror=alert(1)>-->',
  '</div></main><script>alert(1)</script>',
  '<style>*{display:none}</style><base href=//evil.example>',
  '<form action=//evil.example><button>Merge</button></form>',
  '<details><summary>a</summary>\n\n<script>x</script>\n\n</details>',
  '```html\n</code></pre><script>alert(1)</script>\n```',
  '| a |\n| --- |\n| <img src=x onerror=alert(1)> |',
  '<<script>script>alert(1)<</script>/script>',
  '&lt;script&gt;alert(1)&lt;/script&gt; &#60;script&#62;',
];

test('renders hostile Markdown inert, and harmless Markdown as meant', () => {
  for (const attack of attacks) assertInert(markdown(attack).text);
  assertInert(markdown(attacks.join('\n\n')).text);
  assertInert(markdown('>'.repeat(60_000)).text);
  const good = markdown(
    '<details>\n<summary>Why &amp; how</summary>\n\n**bold**\n\n</details>\n\n<!-- hidden -->',
  ).text;
  assert.match(good, /<details>\s*<summary>Why &amp; how<\/summary>/);
  assert.match(good, /<strong>bold<\/strong>/);
  assert.doesNotMatch(good, /hidden/);
  assert.match(
    markdown('[docs](https://example.com/a?b=1)').text,
    /<a href="https:\/\/example\.com\/a\?b=1"/,
  );
});

test('shows hostile titles, bodies, branches, files and comments as text', async () => {
  const branch = 'x"><img/src=x/onerror=alert(1)>';
  const file = '<img src=x onerror=alert(1)>.yaml';
  await world.push(branch, { [file]: '<script>alert(1)</script>\n', 'b\u202elmay.yaml': 'x\n' });
  const number = await world.open(branch, '<script>alert("title")</script>', attacks.join('\n\n'));
  await world.octokit.issues.createComment({ ...where, issue_number: number, body: '<script>x</script>' });
  await world.octokit.issues.addLabels({ ...where, issue_number: number, labels: ['"><script>x</script>'] });
  const commit = await git(world.bare, 'rev-parse', branch);
  const at = `/northwind/access`;
  for (const path of [
    '/',
    `${at}/pulls`,
    `${at}/pull/${number}`,
    `${at}/commit/${commit}`,
    `${at}/tree/${commit}`,
    `${at}/blob/${commit}/${encodeURIComponent(file)}`,
    `${at}/tree/${encodeURIComponent(branch)}`,
  ]) {
    const { status, text } = await page(path);
    assert.equal(status, 200, path);
    assertInert(text);
  }
  const { text } = await page(`${at}/pull/${number}`);
  assert.ok(text.includes('&lt;script&gt;alert(&quot;title&quot;)&lt;/script&gt;'));
  assert.ok(text.includes('b⟨U+202E⟩lmay.yaml'));
});

test('sends pages that may run nothing, load nothing and be framed by nobody', async () => {
  const { headers } = await page('/');
  const policy = headers.get('content-security-policy') ?? '';
  for (const rule of [
    "default-src 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
  ])
    assert.ok(policy.includes(rule), rule);
  assert.doesNotMatch(policy, /unsafe|script-src|\*/);
  assert.equal(headers.get('x-content-type-options'), 'nosniff');
  const raw = await page('/northwind/access/raw/main/grants.yaml');
  assert.match(raw.headers.get('content-type') ?? '', /^text\/plain/);
});

const form = (path: string, token: string, headers: Record<string, string> = {}, more = {}) =>
  fetch(world.forge.url + path, {
    method: 'POST',
    redirect: 'manual',
    headers,
    body: new URLSearchParams({ token, ...more }),
  });

async function tokenFor(path: string, verb: string): Promise<string> {
  const { text } = await page(path);
  return (
    text.match(
      new RegExp(`action="${path}/${verb}"><input type="hidden" name="token" value="([^"]+)"`),
    )?.[1] ?? ''
  );
}

test('merges by a form of its own page, and by no other', async () => {
  await world.push('form', { 'grants.yaml': lines({ 3: 'three' }) });
  const path = `/northwind/access/pull/${await world.open('form')}`;
  const before = await git(world.bare, 'rev-parse', 'main');
  const token = await tokenFor(path, 'merge');
  const closing = await tokenFor(path, 'close');
  assert.ok(token !== '' && closing !== '');
  const { url } = world.forge;
  const refused: [string, Record<string, string>][] = [
    ['', {}],
    ['wrong', {}],
    [closing, {}],
    [token, { origin: 'https://evil.example' }],
    [token, { origin: 'null' }],
    [token, { 'sec-fetch-site': 'cross-site' }],
    [token, { 'sec-fetch-site': 'same-site', origin: url }],
  ];
  for (const [value, headers] of refused)
    assert.equal((await form(`${path}/merge`, value, headers)).status, 403, JSON.stringify(headers));
  assert.equal((await fetch(`${url}${path}/merge?token=${token}`)).status, 404);
  assert.equal(await git(world.bare, 'rev-parse', 'main'), before);
  const merged = await form(`${path}/merge`, token, { origin: url, 'sec-fetch-site': 'same-origin' });
  assert.deepEqual([merged.status, merged.headers.get('location')], [303, path]);
  assert.notEqual(await git(world.bare, 'rev-parse', 'main'), before);
});

test('closes, reopens and comments by form; a merge that meets a conflict says so', async () => {
  await world.push('left', { 'grants.yaml': lines({ 9: 'left' }) });
  await world.push('right', { 'grants.yaml': lines({ 9: 'right' }) });
  const [left, right] = [await world.open('left'), await world.open('right')];
  const path = `/northwind/access/pull/${right}`;
  const mergeToken = await tokenFor(path, 'merge');
  await world.forge.merge(left);
  assert.ok((await page(path)).text.includes('conflicts with'));
  const refused = await form(`${path}/merge`, mergeToken);
  assert.equal(refused.status, 409);
  assert.ok((await refused.text()).includes('not mergeable'));
  await form(`${path}/close`, await tokenFor(path, 'close'));
  assert.ok((await page(path)).text.includes('Closed without merging'));
  await form(`${path}/reopen`, await tokenFor(path, 'reopen'));
  await form(`${path}/comment`, await tokenFor(path, 'comment'), {}, { body: 'Said **here**' });
  const comments = await world.octokit.issues.listComments({ ...where, issue_number: right });
  assert.deepEqual(
    comments.data.map((comment) => [comment.user?.login, comment.body]),
    [['maintainer', 'Said **here**']],
  );
});

test('answers nobody who names another host', async () => {
  const ask = (host: string) =>
    new Promise((done) =>
      request(world.forge.url, { headers: { host } }, (answer) => {
        answer.resume();
        done(answer.statusCode);
      }).end(),
    );
  const port = new URL(world.forge.url).port;
  assert.equal(await ask(`127.0.0.1:${port}`), 200);
  assert.equal(await ask(`localhost:${port}`), 200);
  for (const host of [`evil.example:${port}`, 'evil.example', '127.0.0.1', `127.0.0.1:${port}.evil.example`])
    assert.equal(await ask(host), 421, host);
});

test('finds nothing outside the repository', async () => {
  for (const path of [
    '/northwind/access/blob/main/..%2f..%2fetc%2fpasswd',
    '/northwind/access/blob/main/%2fetc%2fpasswd',
    '/northwind/access/raw/main/../../../etc/passwd',
    '/northwind/access/raw/--help/x',
    '/northwind/access/raw/main:grants.yaml/x',
    '/northwind/access/commit/--all',
    '/northwind/access/pull/99999',
    '/northwind/access/pull/1e0',
    '/else/where',
  ])
    assert.equal((await page(path)).status, 404, path);
  assert.equal((await page('/northwind/access/raw/main/grants.yaml')).status, 200);
  assert.equal((await page('/%E0%A4%A')).status, 400);
});
