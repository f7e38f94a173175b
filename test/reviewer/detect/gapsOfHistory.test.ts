import * as assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { gitTree } from '../../../bundle/git/tree.ts';
import { findOpa, type Opa } from '../../../bundle/policy/opa.ts';
import { planFor } from '../../../reviewer/planFor.ts';
import { suite } from '../../_suite.ts';
import {
  access,
  asOfMs,
  base,
  dayMs,
  daysAgo,
  type Files,
  type GrantText,
  logLines,
  type Place,
  place,
  rules,
  uses,
} from '../_review.ts';
import { rollupsOf } from '../_rollups.ts';

const test = suite('a history that misses something');
let here: Place;
let opa: Opa;
let branches = 0;
const usage = () => join(here.folder, 'usage');

test.before(async () => {
  here = await place({});
  opa = await findOpa();
  const lines = logLines(
    [
      ...['asleep', 'back', 'widened'].map((grant) => ({ grant, operation: 'get', at: asOfMs - 4 * dayMs })),
      ...['of-gone', 'of-away', 'of-eve'].flatMap((grant) => uses(grant, ['list', 'get'], 3)),
    ],
    { days: 5 },
  );
  await mkdir(join(usage(), 'gw-1'), { recursive: true });
  for (const [day, of] of rollupsOf(lines, 'gw-1'))
    await writeFile(join(usage(), 'gw-1', `${day}.ndjson`), of.map((line) => `${line}\n`).join(''));
});
test.after(() => here.remove());

const grants = (state: string, role: string): GrantText[] => [
  { id: 'asleep' },
  // Suspended while it was idle, and given back yesterday.
  { id: 'back', owner: 'user:ann@example.com', rest: `role: reader\nstate: ${state}` },
  { id: 'widened', owner: 'user:dana@example.com', rest: `role: ${role}` },
  { id: 'of-gone', principal: 'user:gone@example.com' },
  { id: 'of-away', principal: 'user:away@example.com' },
  { id: 'of-eve', principal: 'user:eve@example.com' },
];

/** A sync that knows these people besides. */
const sync = (days: number, ...logins: string[]): Files => ({
  'grants/directory/okta.yaml': (base['grants/directory/okta.yaml'] ?? '')
    .replace(/synced: .*/, `synced: ${daysAgo(days)}`)
    .replace(
      'groups:',
      `${logins.map((login) => `  - { login: ${login}@example.com, id: 00u-${login}, status: active }\n`).join('')}groups:`,
    ),
});

type Step = { days: number; files: Files };
const whole: readonly Step[] = [
  {
    days: 39,
    files: {
      ...base,
      'grants/review.yaml': rules,
      ...access(grants('active', 'reader')),
      ...sync(39, 'gone', 'away', 'eve'),
    },
  },
  { days: 10, files: sync(10, 'gone', 'away', 'eve') },
  { days: 8, files: access(grants('suspended', 'reader')) },
  { days: 6, files: sync(6, 'gone', 'eve') },
  { days: 5, files: sync(5, 'gone', 'away', 'eve') },
  { days: 4.5, files: sync(4.5, 'eve') },
  { days: 3, files: sync(3, 'away', 'eve') },
  { days: 1, files: { ...access(grants('active', 'editor')), ...sync(1) } },
];

/** Makes commits of the steps, one on the other. */
function branchOf(steps: readonly Step[]): string {
  branches += 1;
  const name = `refs/heads/branch-${branches}`;
  const data = (text: string) => `data ${Buffer.byteLength(text)}\n${text}\n`;
  const stream = steps.map(({ days, files }, index) => {
    const at = Math.floor(asOfMs / 1000 - days * 86_400);
    const changes = Object.entries(files).map(([path, text]) =>
      text === null ? `D ${path}\n` : `M 100644 inline ${path}\n${data(text)}`,
    );
    return `commit ${name}\nmark :${index + 1}\ncommitter Ann <ann@example.com> ${at} +0000\n${data('x')}${index === 0 ? '' : `from :${index}\n`}${changes.join('')}`;
  });
  execFileSync('git', ['fast-import', '--quiet', '--done'], {
    ...{ cwd: here.root, input: `${stream.join('\n')}\ndone\n`, stdio: ['pipe', 'ignore', 'inherit'] },
  });
  return name;
}

const taking = new Set(['delete', 'revoke', 'suspend', 'narrow']);
/** What is taken away by a history, as much of it as a clone of some depth has. */
async function taken(steps: readonly Step[], depth: number | null = null): Promise<string[]> {
  const branch = branchOf(steps);
  const clone = join(here.folder, `clone-${branches}.git`);
  if (depth !== null)
    execFileSync('git', [
      ...['clone', '--quiet', '--bare', '--depth', String(depth), '--branch', `branch-${branches}`],
      ...[`file://${here.root}`, clone],
    ]);
  const tree = await gitTree(depth === null ? here.root : clone, branch);
  const { plan } = await planFor(tree, { decisions: [], usage: [usage()], asOfMs, opa }, async () => null);
  await rm(clone, { recursive: true, force: true });
  return plan.findings
    .filter(({ action }) => taking.has(action))
    .map(({ grant, detector }) => `${grant} ${detector}`);
}
const all = ['asleep dormant', 'of-gone orphan-missing'];

test('is whole: what was given back, widened, or missing only once stays', async () => {
  assert.deepEqual(await taken(whole), all);
});

/** All that was done up to a step, as if it had been done in one. */
const squashed = (steps: readonly Step[], upTo: number): readonly Step[] => {
  const [first, rest] = [steps.slice(0, upTo + 1), steps.slice(upTo + 1)];
  const days = first.at(-1)?.days ?? 0;
  return [{ days, files: Object.assign({}, ...first.map(({ files }) => files)) }, ...rest];
};
const text = ({ files }: Step) => files['grants/directory/okta.yaml'] ?? '';
/** Another text of the directory at a step. */
const told = (steps: readonly Step[], at: number, change: (text: string) => string): Step[] =>
  steps.map((step, index) =>
    index === at && text(step) !== ''
      ? { ...step, files: { ...step.files, 'grants/directory/okta.yaml': change(text(step)) } }
      : step,
  );

const place8 = fc.nat(whole.length - 1);
const harm = fc.oneof(
  fc.record({ kind: fc.constant('shallow' as const), at: place8, to: fc.constant(0) }),
  fc.record({ kind: fc.constant('squashed' as const), at: place8, to: fc.constant(0) }),
  fc.record({ kind: fc.constant('told again' as const), at: place8, to: place8 }),
  fc.record({ kind: fc.constant('cut short' as const), at: place8, to: place8 }),
  fc.record({ kind: fc.constant('not read to its end' as const), at: place8, to: fc.constant(0) }),
);
type Harm = { kind: string; at: number; to: number };

function harmed(steps: readonly Step[], { kind, at, to }: Harm): readonly Step[] {
  const { days } = steps[at] ?? { days: 0 };
  switch (kind) {
    case 'squashed':
      return squashed(steps, Math.min(at, steps.length - 1));
    case 'told again': {
      // An old sync that is delivered once more, later.
      const old = steps[Math.min(at, to)];
      const place = Math.min(Math.max(at, to), steps.length - 1);
      const again = old === undefined || text(old) === '' ? {} : { 'grants/directory/okta.yaml': text(old) };
      const later = { days: (steps[place]?.days ?? days) - 0.01, files: again };
      return [...steps.slice(0, place + 1), later, ...steps.slice(place + 1)];
    }
    case 'cut short':
      return told(steps, at, (text) => text.slice(0, Math.floor((text.length * to) / whole.length)));
    case 'not read to its end':
      return told(steps, at, (text) => text.replace('complete: true', 'complete: false'));
    default:
      return steps;
  }
}

test('never takes away more, cut off, written anew, told twice, in another order or broken', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(harm, { minLength: 1, maxLength: 2 }), async (harms) => {
      const steps = harms.reduce<readonly Step[]>(harmed, whole);
      const depth = harms.find(({ kind }) => kind === 'shallow');
      try {
        for (const one of await taken(steps, depth === undefined ? null : depth.at + 1))
          assert.ok(all.includes(one), one);
      } catch (error) {
        // What cannot be read today ends the review.
        if (!/^(?:grants-invalid|directory-incomplete)$/.test(String((error as { code?: string }).code)))
          throw error;
      }
    }),
    { seed: 11, numRuns: 12, endOnFailure: true },
  );
});
