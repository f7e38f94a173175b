// Who may call an operation, asked of ten grants, of a million, and of a thousand holders among a million. Each search pages
// through everybody; the first one of a revision also reads the API's lines. node bench/search.ts
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { workingTree } from '../bundle/git/tree.ts';
import { admitPolicy } from '../bundle/policy/admitPolicy.ts';
import { meterWasm } from '../bundle/policy/meterWasm.ts';
import { findOpa } from '../bundle/policy/opa.ts';
import { readPolicies } from '../bundle/policy/policies.ts';
import { readSearch } from '../gateway/decisionPoint/authzenRequest.ts';
import { createSearch } from '../gateway/decisionPoint/search.ts';
import { indexLines, openIndex, type SharedLines } from '../gateway/revision/lineIndex.ts';
import { apiEntry, type Document, largeDocument, lineForm } from '../test/gateway/_document.ts';

const tree = await workingTree(fileURLToPath(new URL('..', import.meta.url)));
const { reads, wasm } = await admitPolicy(await findOpa(), await readPolicies(tree, 'authz'));
const module = meterWasm(wasm);

/** One API, whose operation `rare` as many people (`few`) hold themselves as through one group; others hold `get`. */
function crowd(few: number, others: number): Buffer {
  const name = (i: number) => `user:person-${String(i).padStart(7, '0')}@example.com`;
  const document: Document = {
    apis: { orders: { ...apiEntry('orders'), operations: { get: 'GET /o', rare: 'GET /r' } } },
    grants: {},
    principals: {},
  };
  const lines: Record<string, unknown[]> = { 'group:rare': [{ id: 'g', operations: ['rare'] }] };
  const stride = Math.max(1, Math.floor((2 * few + others) / (2 * few)));
  for (let i = 0; i < 2 * few + others; i += 1) {
    const rare = i % stride === 0 && i / stride < 2 * few ? i / stride : -1;
    if (rare < 0 || rare % 2 === 0)
      lines[name(i)] = [{ id: `g-${i}`, operations: [rare < 0 ? 'get' : 'rare'] }];
    document.principals[name(i)] = {
      active: true,
      groups: rare >= 0 && rare % 2 === 1 ? ['group:rare'] : [],
    };
  }
  document.grants.orders = lines;
  return lineForm(document);
}

async function measure(label: string, shared: SharedLines, api: string, operation: string) {
  const apis = new Map(Object.entries(JSON.parse(shared.head.apis) as Record<string, never>));
  const snapshot = { apis, networks: new Map(), lines: openIndex(shared), reads, wasm: module };
  const search = createSearch(() => Date.UTC(2026, 10, 1));
  const ask = (page: object) =>
    search(
      snapshot as never,
      readSearch('subject', {
        subject: { type: 'user' },
        action: { name: operation },
        resource: { type: 'api', id: api },
        page,
      }),
    );
  const timed = async (page: object) => {
    const started = performance.now();
    const { results, page: found } = await ask(page);
    return { ms: performance.now() - started, count: results.length, token: found?.next_token ?? '' };
  };
  const first = await timed({});
  const again: number[] = [];
  for (let round = 0; round < 21; round += 1) again.push((await timed({})).ms);
  let [holders, all] = [0, 0];
  for (let token: string | undefined; token !== ''; ) {
    const one = await timed(token === undefined ? {} : { token });
    [token, holders, all] = [one.token, holders + one.count, all + one.ms];
    if (holders > 2000) break;
  }
  const page = again.sort((a, b) => a - b)[10] ?? 0;
  return {
    asked: label,
    lines: snapshot.lines.count,
    holders,
    'first ms': first.ms,
    'a page of 200 ms': page,
    'all ms': all,
  };
}

const rows = [
  await measure('1,000 of 1,000', indexLines(crowd(500, 0)), 'orders', 'rare'),
  await measure('1,000 of a million at one API', indexLines(crowd(500, 1_000_000)), 'orders', 'rare'),
  await measure(
    'everybody, ten APIs, a million grants',
    indexLines(largeDocument(1_000_000)),
    'api-3',
    'get',
  ),
];
console.table(
  rows.map((row) =>
    Object.fromEntries(
      Object.entries(row).map(([key, value]) => [
        key,
        typeof value === 'number' && key.endsWith('ms') ? value.toFixed(1) : value,
      ]),
    ),
  ),
);
const [small, large] = rows;
if (small !== undefined && large !== undefined)
  console.log(`a thousand times the grants: ${(large['all ms'] / small['all ms']).toFixed(2)} × the time`);
