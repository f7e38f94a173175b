// A policy that reads one entry of a data document, among a million: what reading the file, loading it and deciding by it
// cost beside the same policy without. `node bench/documents.ts [ENTRIES]`.

import { documentSizes } from '../bundle/data/dataSections.ts';
import { scanLines } from '../bundle/data/scanLines.ts';
import { readDocuments } from '../bundle/documents/readDocuments.ts';
import { type Files, withFiles } from '../bundle/git/tree.ts';
import { admitPolicy } from '../bundle/policy/admitPolicy.ts';
import { meterWasm } from '../bundle/policy/meterWasm.ts';
import { findOpa } from '../bundle/policy/opa.ts';
import { decisionPath } from '../bundle/policy/policies.ts';
import { createDecide } from '../gateway/decision/decide.ts';
import type { Question } from '../gateway/decision/decision.ts';
import { createEvaluator } from '../gateway/decision/evaluator.ts';
import { indexLines, openIndex } from '../gateway/revision/lineIndex.ts';
import { createSlices } from '../gateway/revision/slices.ts';

const count = Number(process.argv[2] ?? 1_000_000);
const MiB = 2 ** 20;
const seconds = (since: number) => ((performance.now() - since) / 1000).toFixed(1);

const rego = (rule: string) => `package grantgate.authz
default decision := {"allow": false, "grants": [], "reason": "no-grant"}
decision := {"allow": true, "grants": ids, "reason": "granted"} if { count(ids) > 0; ${rule} }
ids contains grant.id if { some grant in data.grants[input.api][input.subject]; input.operation in grant.operations }
`;
const read = 'data.documents.people[input.subject].region == "eu"';
const keyOf = (at: number) => `user:person-${String(at).padStart(7, '0')}`;
const schema = {
  type: 'object',
  additionalProperties: {
    type: 'object',
    properties: { region: { enum: ['eu', 'us'] }, plan: { type: 'string', pattern: '^[a-z]+$' } },
    required: ['region'],
    additionalProperties: false,
  },
};
const nothing: Files = {
  entries: async () => [],
  list: async () => [],
  read: async () => new Map(),
  stream: async function* () {},
};

/** data.json with this many grants, each of another person, and the lines of a document. */
function dataOf(grants: number, document: Buffer | null): Buffer {
  const lines = Array.from(
    { length: grants },
    (_, at) => `"${keyOf(at * 97)}":[{"id":"g${at}","operations":["get"]}]`,
  );
  return Buffer.concat([
    Buffer.from('{"apis":{"a":{}},\n"credentials":{}'),
    ...(document === null
      ? []
      : [Buffer.from(',\n"documents":{"people":{\n'), document, Buffer.from('\n}}')]),
    Buffer.from(`,\n"grants":{"a":{\n${lines.join(',\n')}\n}},"networks":{},"principals":{}}`),
  ]);
}

async function measure(data: Buffer, rule: string) {
  const policies = new Map([['policies/authz/decision.rego', Buffer.from(rego(rule))]]);
  const { reads, wasm } = await admitPolicy(await findOpa(), policies, undefined, documentSizes(data));
  const since = performance.now();
  const lines = indexLines(data, scanLines(data));
  const loaded = seconds(since);
  const index = openIndex(lines);
  const bytes = lines.data.byteLength + lines.spans.byteLength + lines.slots.byteLength;
  const evaluator = createEvaluator(meterWasm(wasm), decisionPath);
  const ask = (maxBytes: number) => {
    const decide = createDecide(
      createSlices({ lines: index, reads }, { maxBytes }),
      evaluator,
      null,
      reads.clock,
    );
    const questionOf = (at: number): Question => ({
      identity: { subject: keyOf((at % 10_000) * 97), groups: null, mfa: false, expiresAt: null },
      route: { api: 'a', operation: 'get', template: '/', upstream: 'http://a', base: '', strip: 0 },
      method: 'GET',
      networks: [],
      time: 100,
    });
    const taken = Array.from({ length: 40_000 }, (_, at) => decide(questionOf(at)).nanoseconds / 1000);
    return taken.slice(5000).sort((a, b) => a - b)[17_500] ?? 0;
  };
  return { loaded, memory: bytes / MiB, cold: ask(8), cached: ask(64 * MiB) };
}

const text = Array.from(
  { length: count },
  (_, at) => `${keyOf(at)}: { region: ${at % 2 === 0 ? 'eu' : 'us'}, plan: gold }\n`,
).join('');
const files = new Map([
  ['data/people.yaml', Buffer.from(text)],
  ['data/people.schema.json', Buffer.from(JSON.stringify(schema))],
]);
const begun = performance.now();
const { documents, problems } = await readDocuments(withFiles(nothing, files));
if (problems.length > 0) throw new Error(problems[0]?.message);
console.log(
  `read: ${count} entries, ${(text.length / MiB).toFixed(0)} MiB of YAML, in ${seconds(begun)} s, at most ${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MiB of memory`,
);
const grants = 100_000;
const without = await measure(dataOf(grants, null), 'input.subject != ""');
const unread = await measure(dataOf(grants, documents[0]?.lines ?? null), 'input.subject != ""');
const small = await measure(
  dataOf(grants, documents[0]?.lines.subarray(0, documents[0].lines.indexOf('\n', 40_000) - 1) ?? null),
  read,
);
const large = await measure(dataOf(grants, documents[0]?.lines ?? null), read);
for (const [what, one] of Object.entries({
  'no document': without,
  'one that is not read': unread,
  'a small one read': small,
  'the large one read': large,
}))
  console.log(
    `${what.padEnd(22)} loaded in ${one.loaded} s, ${one.memory.toFixed(0)} MiB, decision ${one.cold.toFixed(1)} µs cold (× ${(one.cold / without.cold).toFixed(2)}), ${one.cached.toFixed(1)} µs cached (× ${(one.cached / without.cached).toFixed(2)})`,
  );
