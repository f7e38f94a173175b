import * as assert from 'node:assert/strict';
import { changeGrants } from '../../bundle/access/changeGrants.ts';
import { openAccess } from '../../bundle/access/openAccess.ts';
import { compile } from '../../bundle/compile/compile.ts';
import { compileTree } from '../../bundle/compile/compileTree.ts';
import { diffData } from '../../bundle/diff/diffData.ts';
import { workingTree } from '../../bundle/git/tree.ts';
import { load } from '../../bundle/grants/load.ts';
import { diffText } from '../../reviewer/diff/diffText.ts';
import { openInventory } from '../../reviewer/inventory/inventory.ts';
import { inventoryCsv } from '../../reviewer/inventory/inventoryCsv.ts';
import { inventoryText } from '../../reviewer/inventory/inventoryText.ts';
import { suite } from '../_suite.ts';
import { type Files, type SampleTree, sampleFiles, sampleTree } from './_organisation.ts';

const test = suite('publicOperations');
const paths = { orders: 'grants/apis/orders.yaml', payments: 'grants/apis/payments.yaml' };
let sample: SampleTree;
test.before(async () => {
  sample = await sampleTree();
});
test.after(() => sample.remove());

/** The sample with exceptions in these APIs. */
const loaded = async (exceptions: Partial<Record<keyof typeof paths, string>>, more: Files = {}) => {
  const files: Record<string, string | Buffer | null> = { ...sampleFiles, ...more };
  for (const [api, text] of Object.entries(exceptions)) {
    const path = paths[api as keyof typeof paths];
    files[path] = `${files[path]}exceptions: ${text}\n`;
  }
  await sample.write(files);
  return load(await workingTree(sample.root));
};
const problemsOf = async (...asked: Parameters<typeof loaded>) =>
  (await loaded(...asked)).problems.map(({ code, message }) => `${code}: ${message}`);
const dataOf = async (...asked: Parameters<typeof loaded>): Promise<Buffer> => {
  const { organisation, problems } = await loaded(...asked);
  assert.ok(organisation !== null, JSON.stringify(problems));
  const data = compile(organisation);
  const tree = await compileTree(await workingTree(sample.root), null);
  assert.equal(tree.data.toString(), data.toString(), 'bit by bit as all at once');
  assert.equal(tree.grants, organisation.grants.length);
  return data;
};

test('stand in the document as a grant of nobody in particular, and of no critical API unless said twice', async () => {
  const data = await dataOf({ orders: '{ listOrders: { public: true } }' });
  const { apis, grants } = JSON.parse(data.toString());
  assert.deepEqual(grants.orders.anonymous, [{ id: 'public:orders', operations: ['listOrders'] }]);
  assert.deepEqual([apis.orders.public, apis.payments.public], [['listOrders'], undefined]);
  const once = { payments: '{ createPayment: { public: true } }' };
  assert.match(
    (await problemsOf(once)).join(),
    /^public-critical: "createPayment" is public and its API critical/,
  );
  // Also where nobody else is granted anything.
  const twice = { payments: '{ createPayment: { public: true, although_critical: true } }' };
  const bare = await dataOf(twice, { 'grants/access/payments/billing.yaml': null });
  assert.deepEqual(Object.keys(JSON.parse(bare.toString()).grants.payments), ['anonymous']);
});

test('must be operations that there are, and say something', async () => {
  assert.match(
    (await problemsOf({ orders: '{ listOrder: { public: true } }' })).join(),
    /^unknown-operation: .*"listOrders"/,
  );
  for (const nothing of [
    '{ listOrders: {} }',
    '{ listOrders: { public: false } }',
    '{ listOrders: { although_critical: true } }',
  ])
    assert.notDeepEqual(await problemsOf({ orders: nothing }), [], nothing);
});

test('an encoded slash needs a parameter to stand in', async () => {
  assert.match(
    (await problemsOf({ orders: '{ listOrders: { encoded_slash: true } }' })).join(),
    /^encoded-slash: "listOrders"/,
  );
  const { apis } = JSON.parse((await dataOf({ orders: '{ getOrder: { encoded_slash: true } }' })).toString());
  assert.deepEqual([apis.orders.encoded_slash, apis.orders.public], [['getOrder'], undefined]);
});

test('pages of other origins are named one by one, or all without credentials', async () => {
  const path = paths.orders;
  const told = async (cors: string) =>
    (await loaded({}, { [path]: `${sampleFiles[path]}cors: ${cors}\n` })).problems
      .map(({ message }) => message)
      .join();
  for (const good of [
    '["https://app.example.com"]',
    '["http://localhost:3000", "http://[::1]:8080"]',
    '["*"]',
  ])
    assert.equal(await told(`{ origins: ${good} }`), '', good);
  const bad = [
    '[]',
    '["null"]',
    '["https://app.example.com/"]',
    '["https://*.example.com"]',
    '["https://App.example.com"]',
    '["https://a:443"]',
    '["http://a:80"]',
    '["*", "https://a"]',
    '["https://u@a"]',
    '["https://a", "https://a"]',
  ];
  for (const origins of bad) assert.match(await told(`{ origins: ${origins} }`), /must/, origins);
  assert.match(await told('{ origins: ["*"], credentials: true }'), /must name its origins/);
  assert.match(await told('{ origins: ["https://a"], headers: ["*"] }'), /must be a name/);
});

test('no grant can name whoever calls them', async () => {
  const access = 'grants/access/orders/commerce.yaml';
  for (const principal of ['anonymous', 'group:anonymous', 'user:anonymous']) {
    const text = String(sampleFiles[access]).replace(
      'principal: service:invoicer',
      `principal: ${principal}`,
    );
    const found = await loaded({ orders: '{ getOrder: { public: true } }' }, { [access]: text });
    if (principal === 'anonymous') assert.match(found.problems[0]?.message ?? '', /principal/);
    else {
      assert.ok(found.organisation !== null);
      const { grants } = JSON.parse(compile(found.organisation).toString());
      assert.deepEqual(grants.orders.anonymous, [{ id: 'public:orders', operations: ['getOrder'] }]);
    }
  }
});

test('a difference says that anybody gains or loses them', async () => {
  const [closed, open] = [await dataOf({}), await dataOf({ orders: '{ getOrder: { public: true } }' })];
  const text = (before: Buffer, after: Buffer) =>
    diffText({ base: 'a', head: 'b', policiesChanged: false, ...diffData(before, after, { at: null }) });
  assert.equal(
    text(closed, open),
    'a..b: anybody, without a credential, gains getOrder of orders.\n  anybody, without a credential, gains getOrder of orders (public:orders)\n',
  );
  assert.match(text(open, closed), /anybody, without a credential, loses getOrder of orders/);
  assert.match(
    text(open, await dataOf({ orders: '{ getOrder: { public: true }, listOrders: { public: true } }' })),
    /gains listOrders/,
  );
});

test('what anybody may do, nobody gains or loses by a grant', async () => {
  const open = { orders: '{ createOrder: { public: true } }' };
  const path = 'grants/access/orders/more.yaml';
  const cleo = 'user:cleo@example.com';
  const grant = (rest = '') => ({
    [path]: `- id: orders-cleo-more
  principal: ${cleo}
  api: orders
  reason: Corrects orders
  owner: group:commerce
  granted: 2026-03-01
  operations: [createOrder]
${rest}`,
  });
  const gone = { [path]: null };
  const rows = async (before: Parameters<typeof dataOf>, after: Parameters<typeof dataOf>) =>
    diffData(await dataOf(...before), await dataOf(...after), { at: null }).changes.map(
      ({ kind, who, operations }) => `${kind} ${who.join()} ${operations.join()}`,
    );
  const gained = `gains ${cleo} createOrder`;
  assert.deepEqual(await rows([{}, gone], [{}, grant()]), [gained]);
  assert.deepEqual(await rows([open, gone], [open, grant()]), []);
  assert.deepEqual(await rows([open, grant()], [open, gone]), []);
  assert.deepEqual(await rows([{}, grant()], [open, gone]), ['gains anonymous createOrder']);
  const lost = 'loses anonymous createOrder';
  assert.deepEqual(await rows([open, gone], [{}, grant()]), [lost], 'she may as before');
  assert.deepEqual(await rows([open, grant()], [{}, gone]), [lost, `loses ${cleo} createOrder`]);
  const conditional = grant('  conditions: { mfa: true }\n');
  assert.deepEqual(await rows([open, gone], [{}, conditional]), [lost, `tightened ${cleo} createOrder`]);

  const { organisation } = await loaded(open, grant());
  assert.ok(organisation !== null);
  const taken = new Map([['orders-cleo-more', null]]);
  assert.deepEqual(changeGrants(openAccess(organisation, null), taken, null), []);
});

test('a difference says which pages may call an API from now on', async () => {
  const path = paths.orders;
  const files = (origin: string) => ({ [path]: `${sampleFiles[path]}cors: { origins: ["${origin}"] }\n` });
  const [none, some] = [await dataOf({}), await dataOf({}, files('https://a.example'))];
  const { heads } = diffData(none, some, { at: null });
  const after = { max_age: 600, origins: ['https://a.example'] };
  assert.deepEqual(heads.cors, [{ api: 'orders', before: null, after }]);
  const text = diffText({
    base: 'a',
    head: 'b',
    policiesChanged: false,
    ...diffData(some, none, { at: null }),
  });
  assert.match(text, /pages that may call orders: what it says itself; before, .*https:\/\/a\.example/);
});

test('the inventory lists them as held by anybody', async () => {
  const { organisation } = await loaded({ orders: '{ getOrder: { public: true } }' });
  assert.ok(organisation !== null);
  const inventory = openInventory({ asOf: 0, revision: null, organisation, seen: null });
  const lines = [...inventoryText(inventory, 'api', 100)].join('\n');
  assert.match(lines, /getOrder \(GET \/v1\/orders\/\{orderId\}\)\n {4}anybody, without a credential/);
  assert.equal(lines.match(/anybody/g)?.length, 1);
  const rows = [...inventoryCsv(inventory, 'api')].filter((row) => row.includes('anybody'));
  assert.match(rows.join(''), /^orders,getOrder,.*,anybody,,public:orders,/);
});
