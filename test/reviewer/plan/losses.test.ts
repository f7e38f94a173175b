import * as assert from 'node:assert/strict';
import fc from 'fast-check';
import { openAccess } from '../../../bundle/access/openAccess.ts';
import { compile } from '../../../bundle/compile/compile.ts';
import { diffData } from '../../../bundle/diff/diffData.ts';
import { load } from '../../../bundle/grants/load.ts';
import { type Edit, edit } from '../../../reviewer/edit/edit.ts';
import { losses } from '../../../reviewer/plan/losses.ts';
import { suite } from '../../_suite.ts';
import { memoryTree } from '../../bundle/_memoryTree.ts';
import { access, asOfMs, base, type Files } from '../_review.ts';

const test = suite('losses');
const seconds = asOfMs / 1000;
const operations = ['list', 'get', 'create', 'remove'];

const principal = fc.constantFrom(
  'user:ann@example.com',
  'user:bob@example.com',
  'user:dana@example.com',
  'user:stranger@example.com',
  'group:desk',
  'group:desk',
  'group:night',
  'service:invoicer',
  'service:mailer',
);
const line = (name: string, values: readonly string[]) =>
  fc.constantFrom('', ...values.map((v) => `${name}: ${v}`));
const grants = fc.array(
  fc.record({
    principal,
    covers: fc.oneof(
      fc.constantFrom('role: reader', 'role: editor', 'role: admin'),
      fc.subarray(operations, { minLength: 1 }).map((some) => `operations: [${some.join(', ')}]`),
    ),
    expires: line('expires', ['2026-11-01', '2026-11-23T12:00:00Z', '2027-01-31']),
    limits: line('limits', ['{ rate: 5/min }', '{ rate: 60/min }']),
    state: line('state', ['suspended']),
    conditions: line('conditions', [
      '{ mfa: true }',
      '{ networks: [office] }',
      '{ networks: [vpn], mfa: true }',
    ]),
  }),
  { minLength: 1, maxLength: 8 },
);
type Move = (grant: string) => Edit;
const move: fc.Arbitrary<Move> = fc.oneof(
  fc.constant<Move>((grant) => ({ kind: 'delete', grant })),
  fc.constant<Move>((grant) => ({ kind: 'suspend', grant })),
  fc
    .constantFrom('list', 'get')
    .map<Move>((name) => (grant) => ({ kind: 'narrow', grant, to: { operations: [name] } })),
  fc.constant<Move>((grant) => ({ kind: 'narrow', grant, to: { role: 'reader' } })),
  fc
    .constantFrom('2026-12-01', '2027-12-31')
    .map<Move>((expires) => (grant) => ({ kind: 'set', grant, to: { expires } })),
  fc.constant<Move>((grant) => ({ kind: 'set', grant, to: { limits: { rate: '20/min' } } })),
);

/** `WHO API OPERATION`, once each, sorted. */
const flat = (rows: Iterable<readonly [who: string, operations: readonly string[]]>) =>
  [...new Set([...rows].flatMap(([who, all]) => all.map((one) => `${who} ${one}`)))].sort();

test('a pull request and a difference of its two revisions tell the same of everybody', async () => {
  const networks = { 'grants/networks.yaml': 'office: [192.0.2.0/25]\nvpn: [192.0.2.128/25]\n' };
  const file = 'grants/access/orders/group-desk.yaml';
  const loaded = async (files: Files) => {
    const { organisation, problems } = await load(memoryTree({ ...base, ...networks, ...files }));
    assert.ok(organisation, problems[0]?.message);
    return organisation;
  };
  const seen = { loses: 0, less: 0, none: 0 };
  await fc.assert(
    fc.asyncProperty(
      grants,
      fc.array(move, { minLength: 8, maxLength: 8 }),
      fc.integer({ min: 64, max: 255 }),
      async (all, moves, mask) => {
        const entries = all.map(({ principal: of, covers, expires, limits, state, conditions }, i) => ({
          id: `grant-${i}`,
          principal: of,
          rest: [covers, expires, limits, state, conditions].filter((one) => one !== '').join('\n'),
        }));
        const files = access(entries);
        const before = await loaded(files);
        // Narrowing to what a grant does not cover would widen it, which no finding asks for.
        const edits = before.grants.flatMap(({ id, covers }, i): Edit[] => {
          const one = (mask >> i) & 1 ? moves[i]?.(id) : undefined;
          if (one === undefined) return [];
          if (one.kind !== 'narrow') return [one];
          const to = 'role' in one.to ? ['get', 'list'] : one.to.operations;
          return to.every((name) => covers.includes(name)) ? [one] : [];
        });
        let text: string = files[file] ?? '';
        for (const one of edits) text = edit(text, file, one) ?? '';
        const after = await loaded(text === '' ? {} : { [file]: text });

        const { changes } = diffData(compile(before), compile(after), { at: seconds });
        const told = (...kinds: string[]) =>
          flat(
            changes
              .filter(({ kind }) => kinds.includes(kind))
              .flatMap(({ who, operations: these }) => who.map((name) => [name, these] as const)),
          );
        const found = [...losses(edits, before, seconds).values()];
        for (const { losing, restricted } of found)
          for (const { operations: these } of [...losing, ...restricted])
            assert.deepEqual(these, [...these].sort());
        const lost = flat(
          found.flatMap(({ losing }) => losing.map((one) => [one.principal, one.operations])),
        );
        const less = flat(
          found.flatMap(({ restricted }) => restricted.map((one) => [one.principal, one.operations])),
        );
        assert.deepEqual(lost, told('loses'));
        assert.deepEqual(less, told('tightened', 'shortened', 'altered'));
        if (lost.length > 0) seen.loses += 1;
        if (less.length > 0) seen.less += 1;
        if (lost.length + less.length === 0) seen.none += 1;

        // What the inventory lists is what compiled data gives to each.
        const holds = openAccess(before, seconds);
        const nothing = diffData(compile({ ...before, grants: [] }), compile(before), { at: seconds });
        const given = flat(
          nothing.changes
            .filter(({ kind }) => kind === 'gains')
            .flatMap(({ who, operations: these }) => who.map((name) => [name, these] as const)),
        );
        assert.deepEqual(
          flat(holds.byApi('orders').map(({ subject, grant }) => [subject, grant.covers])),
          given,
        );
      },
    ),
    { numRuns: 150, seed: 7 },
  );
  for (const count of Object.values(seen)) assert.ok(count >= 15, JSON.stringify(seen));
});
