// The first request of a caller, without HTTP: token verified, identity, slice, WASM, record. `node bench/first.ts
// [CHECKOUT]`: in turns with the code of another checkout; the ratio is that of each round, and its median.
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { workingTree } from '../bundle/git/tree.ts';
import { admitPolicy } from '../bundle/policy/admitPolicy.ts';
import { meterWasm } from '../bundle/policy/meterWasm.ts';
import { findOpa } from '../bundle/policy/opa.ts';
import { decisionPath, readPolicies } from '../bundle/policy/policies.ts';
import type { IssuerConfig } from '../gateway/config/config.ts';
import type { Decision } from '../gateway/decision/decision.ts';
import type { Identity } from '../gateway/identity/identify.ts';
import type { TokenClaims } from '../gateway/identity/tokenClaims.ts';
import { apiEntry, lineForm } from '../test/gateway/_document.ts';
import { startIssuer } from '../test/gateway/_issuer.ts';
import { median } from './gateway/tables.ts';
import { tokensOf } from './gateway/world.ts';

const callers = 10_000;
const rounds = 9;
const time = Math.floor(Date.now() / 1000) + 60;

const subjects = Array.from({ length: callers }, (_, index) => `user:caller${index}@example.com`);
const teams = (index: number) => [1, 7, 13].map((factor) => `group:team-${(index * factor) % 500}`);
const operations = ['get', 'list'];
const data = lineForm({
  apis: { bench: apiEntry('bench') },
  grants: {
    bench: {
      ...Object.fromEntries(
        subjects.map((subject, index) => [subject, [{ id: `grant-${index}`, operations }]]),
      ),
      ...Object.fromEntries(
        Array.from({ length: 500 }, (_, index) => [
          `group:team-${index}`,
          [{ expires: time + 86_400, id: `team-grant-${index}`, operations }],
        ]),
      ),
    },
  },
  principals: Object.fromEntries(
    subjects.map((subject, index) => [subject, { active: true, groups: [...new Set(teams(index))].sort() }]),
  ),
});

const here = fileURLToPath(new URL('..', import.meta.url));
const { reads, wasm } = await admitPolicy(
  await findOpa(),
  await readPolicies(await workingTree(here), 'authz'),
);
const module = meterWasm(wasm);
const issuer = await startIssuer();
const tokens = await tokensOf(issuer, callers);
const config: IssuerConfig = {
  issuer: issuer.url,
  audience: 'grantgate',
  algorithms: ['RS256'],
  login_claim: 'sub',
  groups: 'directory',
} as IssuerConfig;

/** The stages of one checkout's code, each with memories of its own; the issuer's keys are fetched once. */
async function stagesOf(checkout: string) {
  const of = <T>(path: string): Promise<T> => import(pathToFileURL(join(checkout, path)).href);
  const { createCallers } = await of<typeof import('../gateway/decision/caller.ts')>(
    'gateway/decision/caller.ts',
  );
  const { createDecide } = await of<typeof import('../gateway/decision/decide.ts')>(
    'gateway/decision/decide.ts',
  );
  const { createEvaluator } = await of<typeof import('../gateway/decision/evaluator.ts')>(
    'gateway/decision/evaluator.ts',
  );
  const { rememberIdentities } = await of<typeof import('../gateway/identity/identify.ts')>(
    'gateway/identity/identify.ts',
  );
  const { openIssuers } = await of<typeof import('../gateway/identity/issuers.ts')>(
    'gateway/identity/issuers.ts',
  );
  const { createVerifyJwt } = await of<typeof import('../gateway/identity/verifyJwt.ts')>(
    'gateway/identity/verifyJwt.ts',
  );
  const { createRecordLine } = await of<typeof import('../gateway/record/recordLine.ts')>(
    'gateway/record/recordLine.ts',
  );
  const { indexLines, openIndex } = await of<typeof import('../gateway/revision/lineIndex.ts')>(
    'gateway/revision/lineIndex.ts',
  );
  const { createSlices } = await of<typeof import('../gateway/revision/slices.ts')>(
    'gateway/revision/slices.ts',
  );
  const now = () => time * 1000;
  const issuers = openIssuers([config], { now });
  const lines = indexLines(data);
  const none = new Map();
  const credentials = { apiKeys: none, jwtSubjects: none, jwtClaims: none, spiffeIds: none };
  const known = { ...credentials, certificateUris: none, certificateDns: none, certificateSubjects: none };
  const first = createVerifyJwt(issuers, now);
  for (const token of tokens.slice(0, 3)) await first(token);
  return () => {
    const verify = createVerifyJwt(issuers, now);
    const identify = rememberIdentities();
    const slices = createSlices({ lines: openIndex(lines), reads }, { keptFrom: 4096 });
    const { decide } = createCallers(
      createDecide(slices, createEvaluator(module, decisionPath), null, reads.clock),
      null,
    );
    const recordLine = createRecordLine('bench');
    return { verify, identify: (claims: TokenClaims) => identify(claims, known), decide, recordLine };
  };
}

type Stages = ReturnType<Awaited<ReturnType<typeof stagesOf>>>;
const route = { api: 'bench', operation: 'list', template: '/v1/bench', upstream: '', base: '', strip: 0 };
const bundles = { grantgate: { revision: 'a'.repeat(40) } };
const names = ['token', 'identity', 'decision', 'record', 'together'] as const;

/** Microseconds of CPU per caller, collection of garbage included: all of a stage, and one caller after another. */
function measure(open: () => Stages): number[] {
  const claims: TokenClaims[] = [];
  const identities: Identity[] = [];
  const decisions: Decision[] = [];
  const stage = (work: (index: number) => unknown): number => {
    const before = process.cpuUsage();
    for (let index = 0; index < callers; index += 1) work(index);
    const { user, system } = process.cpuUsage(before);
    return (user + system) / callers;
  };
  const stages = (by: Stages): ((index: number) => void)[] => [
    (index) => {
      const known = by.verify(tokens[index] ?? '');
      if (known instanceof Promise) throw new Error('a token took a closer look');
      claims[index] = known;
    },
    (index) => {
      identities[index] = by.identify(claims[index] as TokenClaims) as Identity;
    },
    (index) => {
      const identity = identities[index] as Identity;
      const decision = by.decide({ identity, route, method: 'GET', networks: [], time });
      if (!decision.result.allow) throw new Error(`denied: ${decision.result.reason}`);
      decisions[index] = decision;
    },
    (index) => {
      const { input, result, memory } = decisions[index] as Decision;
      const timestamp = '2026-11-26T20:00:00.000Z';
      by.recordLine(
        { timestamp, decision_id: `id-${index}`, path: decisionPath, bundles, input, result, memory },
        index,
      );
    },
  ];
  const apart = stages(open()).map(stage);
  const inTurn = stages(open());
  return [
    ...apart,
    stage((index) => {
      for (const work of inTurn) work(index);
    }),
  ];
}

const other = process.argv[2];
const sides = [
  ...(other === undefined ? [] : [{ name: 'other', open: await stagesOf(other), taken: [] as number[][] }]),
  { name: 'this', open: await stagesOf(here), taken: [] as number[][] },
];
for (let round = -1; round < rounds; round += 1)
  for (const { open, taken } of round % 2 === 0 ? sides : sides.toReversed()) {
    const spent = measure(open);
    // The first one warms up.
    if (round >= 0) taken.push(spent);
  }
await issuer.close();
const [before, after] = [sides[0]?.taken ?? [], sides.at(-1)?.taken ?? []];
const at = (taken: number[][], stage: number) => taken.map((one) => one[stage] ?? 0);
console.log(`${callers} callers, each once: median of ${rounds} rounds, microseconds of CPU`);
console.table(
  names.map((name, stage) => ({
    stage: name,
    ...(other !== undefined && { [other]: median(at(before, stage)).toFixed(1) }),
    here: median(at(after, stage)).toFixed(1),
    ...(other !== undefined && {
      ratio: median(at(after, stage).map((spent, round) => spent / (before[round]?.[stage] ?? 0))).toFixed(2),
    }),
  })),
);
