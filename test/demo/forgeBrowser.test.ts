import * as assert from 'node:assert/strict';
import { withPage } from '../_browser.ts';
import { suite } from '../_suite.ts';
import { git, lines, type Northwind, northwind } from './_northwind.ts';

const test = suite('forge in a browser');
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

test('nothing a pull request says runs, with scripts allowed and every style of colours', async () => {
  await world.push('hostile', { 'grants.yaml': lines({ 12: '<script>document.title = "owned"</script>' }) });
  const body = '<script>document.title = "owned"</script><img src=x onerror="document.title = \'owned\'">';
  const number = await world.open('hostile', '<img src=x onerror="document.title = 1">', body);
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
      },
      { colorScheme, javaScript: true },
    );
});
