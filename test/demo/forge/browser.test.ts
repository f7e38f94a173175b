import * as assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { withPage } from '../../_browser.ts';
import { suite } from '../../_suite.ts';
import { git, lines, type Northwind, northwind } from '../_northwind.ts';

const test = suite('forge in a browser');
const axe = readFileSync(fileURLToPath(import.meta.resolve('axe-core/axe.min.js')), 'utf8');
type Axe = { run: () => Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> };
/** All that our own texts are made of. */
const full = `${'Words. '.repeat(40)}

> [!IMPORTANT]
> Two people must approve.

### To think about

| | Grant | ${'A wide column | '.repeat(12)}
| --- | ---: | ${'--- | '.repeat(12)}
| **keep** | \`a\` | ${'averylongwordindeed | '.repeat(12)}

\`\`\`yaml
- ${'long '.repeat(60)}
\`\`\``;
let world: Northwind;

test.before(async () => {
  world = await northwind();
});
test.after(() => world.close());

test('a reader reads the change, presses Merge, and the branch has moved', async () => {
  const head = await world.push('narrow', { 'grants.yaml': lines({ 3: 'line three' }) });
  const number = await world.open('narrow', 'Narrow a role', 'Used **0** times.');
  await withPage(`${world.forge.url}/`, async (page) => {
    await page.click('text=Narrow a role');
    assert.equal(await page.textContent('.markdown strong'), '0');
    assert.deepEqual(await page.locator('.diff .removed .text').allTextContents(), ['line 3']);
    assert.deepEqual(await page.locator('.diff .added .text').allTextContents(), ['line three']);
    await page.click('button:has-text("Merge")');
    assert.equal(await page.textContent('.merge h3'), 'Merged');
    assert.ok(page.url().endsWith(`/pull/${number}`));
  });
  assert.equal(await git(world.bare, 'rev-parse', 'main^2'), head);
});

test('nothing a pull request says runs, and all of it can be read, in every style of colours', async () => {
  await world.push('hostile', { 'grants.yaml': lines({ 12: '<script>document.title = "owned"</script>' }) });
  const body = '<script>document.title = "owned"</script><img src=x onerror="document.title = \'owned\'">';
  const number = await world.open(
    'hostile',
    '<img src=x onerror="document.title = 1">',
    `${body}\n\n${full}`,
  );
  for (const colorScheme of ['light', 'dark'] as const)
    await withPage(
      `${world.forge.url}/northwind/access/pull/${number}`,
      async (page) => {
        const requests: string[] = [];
        page.on('request', (request) => requests.push(request.url()));
        await page.reload();
        assert.match(await page.title(), /^<img src=x/);
        assert.equal(await page.locator('script, img').count(), 0);
        assert.ok(requests.every((url) => url.startsWith(world.forge.url)));
        const [paper, ink] = await page.evaluate(() => {
          const { backgroundColor, color } = getComputedStyle(document.body);
          return [backgroundColor, color];
        });
        assert.notEqual(paper, ink);
        assert.equal(await page.textContent('.callout strong'), 'Important');
        await page.evaluate(axe);
        const { violations } = await page.evaluate(() => (globalThis as unknown as { axe: Axe }).axe.run());
        assert.deepEqual(
          violations.map(({ id, nodes }) => `${colorScheme} ${id} ${nodes[0]?.html}`),
          [],
        );
      },
      { colorScheme, javaScript: true },
    );
});
