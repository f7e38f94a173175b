import * as assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import fc from 'fast-check';
import { csvRow } from '../../../bundle/format/csvRow.ts';
import { gatherInventory } from '../../../reviewer/inventory/gatherInventory.ts';
import {
  entryFor,
  type Inventory,
  neverCalled,
  uncatalogued,
} from '../../../reviewer/inventory/inventory.ts';
import { inventoryCsv } from '../../../reviewer/inventory/inventoryCsv.ts';
import { inventoryJson } from '../../../reviewer/inventory/inventoryJson.ts';
import { inventoryPage } from '../../../reviewer/inventory/inventoryPage.ts';
import { inventoryText, wrapped } from '../../../reviewer/inventory/inventoryText.ts';
import { withPage } from '../../_browser.ts';
import { suite } from '../../_suite.ts';
import { access, asOfMs, dayMs, logLines, type Place, place } from '../_review.ts';
import { rollupsOf } from '../_rollups.ts';

const test = suite('inventory');
const seconds = asOfMs / 1000;

/** What nobody wants to meet in a spreadsheet, a page or a terminal. */
const hostile = `=HYPERLINK("https://x.example","</script><img src=x onerror=alert(1)>")`;
const files = access([
  { id: 'desk-read', principal: 'group:desk', rest: 'role: reader\nconditions: { mfa: true }' },
  { id: 'ann-create', rest: 'operations: [create]\nexpires: 2026-12-31' },
  { id: 'ann-remove', rest: 'operations: [remove]' },
  { id: 'bob-admin', principal: 'user:bob@example.com', rest: 'role: admin' },
  { id: 'paused', principal: 'service:invoicer', rest: 'role: reader\nstate: suspended' },
]);
const lines = logLines(
  [
    { grant: 'desk-read', operation: 'get', at: asOfMs - dayMs },
    { grant: 'desk-read', operation: 'get', at: asOfMs - 2 * dayMs },
    { grant: 'ann-create', operation: 'create', at: asOfMs - dayMs },
    { grant: [], operation: 'export', at: asOfMs - dayMs, allow: false },
    { grant: 'desk-read', operation: 'list', at: asOfMs + 1000 },
  ],
  { days: 1 },
);
let here: Place;
let inventory: Inventory;

test.before(async () => {
  const [path = '', text] = Object.entries(files)[0] ?? [];
  const reason = JSON.stringify(hostile);
  here = await place({ [path]: text?.replace('Because of ann-create', reason) ?? null });
  await here.log(lines);
  inventory = await gatherInventory({ root: here.root, decisions: [here.decisions], asOf: seconds });
});
test.after(() => here.remove());

const textOf = (by: 'api' | 'person' | 'group' | 'grant', width = 80) => [
  ...inventoryText(inventory, by, width),
];
/** Without the breaks of lines. */
const flat = (lines: readonly string[]) => lines.join(' ').replace(/ +/g, ' ');

test('by API it lists each operation with who holds it, by which grant, until when and when it was used', () => {
  const text = flat(textOf('api'));
  assert.match(text, /orders: tier medium, owner group:desk, 4 operations, held by 2 people and services/);
  assert.match(text, /role reader: get, list/);
  assert.match(
    text,
    /get \(GET \/v1\/things\/\{id\}\) group:desk \(2\) by desk-read, since \S+, with a second factor, last used 2026-11-22 /,
  );
  // What came after the instant is not told of.
  assert.match(text, / list \(GET \/v1\/things\) group:desk \(2\) by desk-read, [^(]*not seen in use/);
  assert.match(text, /by ann-create, since \S+ until 2026-12-31, last used 2026-11-22/);
  assert.doesNotMatch(text, /bob-admin|paused/, 'bob is suspended, and so is the other grant');
});

test("where rules of one's own decide, it says that these may look at more", async () => {
  const told = /^Held is what grants and the directory give; rules of your own/;
  assert.doesNotMatch(flat(textOf('api')), told);
  assert.equal(inventory.ownPolicies, false);
  const own = { ...inventory, ownPolicies: true };
  assert.match(flat([...inventoryText(own, 'api', 80)]), told);
  assert.match(inventoryPage(own), /rules of your own/);
  assert.equal(JSON.parse(JSON.stringify(inventoryJson(own, 'api'))).own_policies, true);
});

test('by person, group and grant it tells the chain of groups', () => {
  assert.match(
    flat(textOf('person')),
    /user:dana@example\.com get, list of orders by desk-read through group:night in group:desk,/,
  );
  assert.match(flat(textOf('person')), /user:bob@example\.com: holds nothing/);
  assert.match(
    flat(textOf('group')),
    /group:night \(1 active member\) get, list of orders by desk-read through group:desk,/,
  );
  const grants = flat(textOf('grant'));
  assert.match(grants, /desk-read \(grants\/access\/orders\/group-desk\.yaml:1\): get, list of orders/);
  assert.match(grants, /user:dana@example\.com through group:night in group:desk/);
  assert.match(grants, /bob-admin .*?; gives nothing: it reaches nobody active/);
  assert.match(grants, /paused .*?; gives nothing: it is suspended/);
});

test('tells what is called and not catalogued, and what is granted and never called', () => {
  const text = flat(textOf('api'));
  assert.match(text, /Seen, not catalogued: export of orders: 1 request, 0 allowed, the last on 2026-11-22/);
  assert.match(text, /under "operations" of grants\/apis\/orders\.yaml: export: GET \//);
  assert.match(
    text,
    /never called by anyone in these records: list of orders: desk-read remove of orders: ann-remove$/,
  );
  const odd = { api: 'orders', requests: 1, allowed: 0, first: 0, last: 0 };
  assert.equal(entryFor({ ...odd, operation: '__proto__', call: 'GET /' }), null);
  assert.equal(entryFor({ ...odd, operation: 'x', call: 'GET /a\nowner: user:mallory' }), null);
  assert.equal(entryFor({ ...odd, operation: 'x', call: 'GET /{id}' }), 'x: "GET /{id}"');
});

test('text fits the terminal whatever names are, and steers none', () => {
  for (const width of [40, 80])
    for (const by of ['api', 'person', 'group', 'grant'] as const)
      for (const line of textOf(by, width)) assert.ok([...line].length <= width, line);
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.nat(4), (text, indent) => {
      for (const line of wrapped(text, 40, indent)) {
        assert.ok([...line].length <= 40);
        assert.doesNotMatch(line, /[\p{Cc}\p{Bidi_Control}]/u);
      }
    }),
  );
});

test('JSON holds all of it, whatever the view', () => {
  const json = JSON.parse(JSON.stringify(inventoryJson(inventory, 'person')));
  assert.equal(json.as_of, '2026-11-23T12:00:00Z');
  assert.deepEqual(json.apis[0].roles.reader, ['get', 'list']);
  const dana = json.entries.find((one: { person: string }) => one.person === 'user:dana@example.com');
  assert.deepEqual(dana.holdings[0].through, ['group:night', 'group:desk']);
  const grant = json.grants.find((one: { grant: string }) => one.grant === 'desk-read');
  assert.deepEqual(grant.last_used, { get: '2026-11-22T12:00:00Z' });
  assert.deepEqual([grant.file, grant.line], ['grants/access/orders/group-desk.yaml', 1]);
  assert.equal(json.not_catalogued[0].entry, 'export: GET /');
  assert.deepEqual(
    json.never_called.map((one: { operation: string }) => one.operation),
    ['list', 'remove'],
  );
});

test('without decision records nothing is said of use', async () => {
  const bare = await gatherInventory({ root: here.root, decisions: null, asOf: seconds });
  assert.doesNotMatch(flat([...inventoryText(bare, 'api', 80)]), /used|in use|never called|catalogued/);
  await assert.rejects(
    gatherInventory({ root: here.root, decisions: [join(here.folder, 'nosuch')], asOf: seconds }),
    { code: /decisions-/ },
  );
});

test('roll-ups tell of use as records do, but for methods and paths, and what is in both counts once', async () => {
  const usage = join(here.folder, 'usage', 'gw-1');
  await mkdir(usage, { recursive: true });
  for (const [day, of] of rollupsOf(lines, 'gw-1'))
    await writeFile(join(usage, `${day}.ndjson`), of.map((line) => `${line}\n`).join(''));
  const told = async (decisions: string[] | null) => {
    const found = await gatherInventory({ root: here.root, decisions, usage: [usage], asOf: seconds });
    const [odd, ...more] = uncatalogued(found);
    assert.deepEqual(more, []);
    assert.deepEqual(
      neverCalled(found).map(({ operation }) => operation),
      ['list', 'remove'],
    );
    return { calls: found.seen?.calls, uses: found.seen?.lastUse, entry: odd && entryFor(odd) };
  };
  const rolled = await told(null);
  assert.deepEqual(rolled.uses, inventory.seen?.lastUse);
  assert.equal(rolled.entry, null);
  const both = await told([here.decisions]);
  assert.deepEqual(
    both.calls?.toSorted((a, b) => (a.operation < b.operation ? -1 : 1)),
    inventory.seen?.calls,
  );
  assert.equal(both.entry, 'export: GET /');
});

test('a file of records that cannot be read takes nothing from the others, and is named', async () => {
  const broken = join(here.folder, '2026-11-20.ndjson.gz');
  await writeFile(broken, 'no gzip');
  const named: string[] = [];
  const found = await gatherInventory({
    ...{ root: here.root, decisions: [here.decisions, broken], asOf: seconds },
    missing: (file) => named.push(file),
  });
  assert.deepEqual(found.seen?.calls, inventory.seen?.calls);
  assert.ok((found.seen?.calls.length ?? 0) > 0);
  assert.deepEqual(named, [broken]);
});

/** RFC 4180, as a reader has it. */
function parseCsv(text: string): string[][] {
  const rows: string[][] = [];
  let cells: string[] = [];
  const pattern = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/gy;
  for (const [, quoted, plain, end] of text.matchAll(pattern)) {
    cells.push(quoted?.replaceAll('""', '"') ?? plain ?? '');
    if (end === '\r\n') {
      rows.push(cells);
      cells = [];
    }
  }
  return rows;
}

test('no cell of the CSV is run by a spreadsheet or a terminal, and every one reads back', () => {
  const rows = parseCsv([...inventoryCsv(inventory, 'api')].join(''));
  const [head = [], ...body] = rows;
  assert.ok(rows.every((row) => row.length === head.length));
  const column = (name: string) => body.map((row) => row[head.indexOf(name)]);
  assert.ok(column('reason').includes(`'${hostile}`));
  assert.ok(column('through').includes('group:night > group:desk'));
  assert.equal(body.length, 2 * 2 + 1 + 1);
  // Where rules of one's own decide, whoever reads the cells alone must know that they may look at more.
  assert.deepEqual([...new Set(column('decided_by'))], ['grants']);
  for (const [first, ...line] of [...inventoryCsv({ ...inventory, ownPolicies: true }, 'grant')].entries())
    assert.match(line.join(), first === 0 ? /,decided_by\r\n$/ : /,policies\/authz\r\n$/);
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string({ unit: 'binary' }),
        fc
          .tuple(fc.constantFrom('=', '+', '-', '@', '\t', '\r', '\n', ' =', '\u200b=', '＝'), fc.string())
          .map((a) => a.join('')),
      ),
      (text) => {
        const [[read = ''] = []] = parseCsv(csvRow([text]));
        assert.doesNotMatch(read, /^[\s\u200b]*[=+\-@＝＋－＠]|^[\t\r\n]/u);
        const visible = text.replace(/(?![\t\r\n])[\p{Cc}\p{Bidi_Control}]/gu, '\ufffd');
        assert.equal(read.replace(/^'/, ''), visible.replace(/^'/, ''));
      },
    ),
  );
});

test('the page stands alone, runs nothing of what it shows, and searches, sorts and drills down', async () => {
  const html = inventoryPage(inventory);
  assert.doesNotMatch(html, /<(?:img|link|iframe|a|base)\b|<script [^>]/);
  assert.match(html, /default-src &#39;none&#39;/);
  assert.match(html, /gives nothing: it reaches nobody active by the directory\./);
  assert.match(html, /gives nothing: it is suspended\./);
  const folder = await mkdtemp(join(tmpdir(), 'grantgate-inventory-'));
  try {
    const file = join(folder, 'inventory.html');
    await writeFile(file, html);
    await withPage(
      pathToFileURL(file).href,
      async (page) => {
        const wrong: string[] = [];
        page.on('console', (message) => void (message.type() === 'error' && wrong.push(message.text())));
        page.on('dialog', (dialog) => {
          wrong.push('dialog');
          void dialog.dismiss();
        });
        page.on(
          'request',
          (request) => void (request.url().startsWith('file:') || wrong.push(request.url())),
        );
        await page.reload();
        const shown = () => page.locator('#grants tbody tr:visible summary').allTextContents();
        assert.equal((await shown()).length, 5);
        // Of two operations that the group's grant covers, one was used.
        const half = page.locator('#heat button[data-column="group:desk"]', { hasText: '50 %' });
        assert.equal(await half.getAttribute('class'), 'heat2');
        await half.click();
        assert.deepEqual(await shown(), ['desk-read']);
        await page.locator('#all').click();
        await page.locator('#search').fill('DANA desk');
        assert.deepEqual(await shown(), ['desk-read']);
        await page.locator('#search').fill('');
        await page.locator('#grants th button').first().click();
        await page.locator('#grants th button').first().click();
        assert.deepEqual(await shown(), ['paused', 'desk-read', 'bob-admin', 'ann-remove', 'ann-create']);
        await page.locator('summary', { hasText: 'ann-create' }).click();
        const open = await page.locator('details[open]').textContent();
        assert.ok(
          open?.includes(hostile) && open.includes('grants/access/orders/group-desk.yaml:10'),
          open ?? '',
        );
        // Its own script is let through by the policy; nothing else is.
        const ran = await page.evaluate(() => {
          const script = document.createElement('script');
          script.textContent = 'window.ran = true';
          document.body.append(script);
          return 'ran' in window;
        });
        assert.equal(ran, false);
        assert.ok(
          wrong.every((one) => one.includes('Content Security Policy')),
          wrong.join(),
        );
        if (process.env.SCREENSHOT) await page.screenshot({ path: process.env.SCREENSHOT, fullPage: true });
      },
      { javaScript: true },
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
