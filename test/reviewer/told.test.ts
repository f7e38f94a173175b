import * as assert from 'node:assert/strict';
import { compileBundle } from '../../bundle/assemble.ts';
import { compile } from '../../bundle/compile/compile.ts';
import { scanLines } from '../../bundle/data/scanLines.ts';
import { diffData } from '../../bundle/diff/diffData.ts';
import { dataDigest } from '../../bundle/format/digest.ts';
import { instantOf } from '../../bundle/format/times.ts';
import { fold } from '../../bundle/grants/names.ts';
import { findOpa } from '../../bundle/policy/opa.ts';
import { random } from '../../demo/random.ts';
import { enforce } from '../../gateway/decision/enforcement.ts';
import { createPrepare } from '../../gateway/decision/prepare.ts';
import { explain } from '../../gateway/explain/explain.ts';
import { readQuestion } from '../../gateway/explain/readQuestion.ts';
import { anybody, isPublic } from '../../gateway/identity/identify.ts';
import { peerAddress } from '../../gateway/request/clientAddress.ts';
import { routeOf } from '../../gateway/request/routeOf.ts';
import { openSnapshot } from '../../gateway/revision/snapshot.ts';
import { summaryOf } from '../../reviewer/diff/diffRows.ts';
import { entriesOf, openInventory } from '../../reviewer/inventory/inventory.ts';
import { organisationOf } from '../../reviewer/organisationOf.ts';
import { suite } from '../_suite.ts';
import { memoryTree } from '../bundle/_memoryTree.ts';
import {
  addresses,
  allowing,
  type Call,
  drawChange,
  drawModel,
  endOf,
  filesOf,
  heldBy,
  isActive,
  type Model,
  networksOf,
  subjects,
  tenants,
  times,
} from './_told.ts';

const test = suite('what is told of access is what a gateway decides');
const api = 'things';
const rounds = 40;

const prepare = createPrepare();
let template: Awaited<ReturnType<typeof compileBundle>>;
test.before(async () => {
  const tree = memoryTree(filesOf(drawModel(random('first'))));
  template = await compileBundle({ tree, opa: await findOpa() });
});

async function worldOf(model: Model) {
  const organisation = await organisationOf(memoryTree(filesOf(model)));
  const data = compile(organisation);
  const digest = `sha256:${dataDigest(data)}`;
  const bundle = { ...template, data, digest, lines: scanLines(data), grants: organisation.grants.length };
  const snapshot = openSnapshot(prepare(bundle), 0);
  return { organisation, data, snapshot, by: enforce(snapshot, null) };
}
type World = Awaited<ReturnType<typeof worldOf>>;

/** As for a request: networks by the address, parameters by the path. */
function decided({ snapshot, by }: World, call: Call, address: string) {
  const found = routeOf(snapshot.apis, api, call.operation);
  assert.ok(found);
  const { subject, mfa, time, tenant } = call;
  const remoteAddress = { socket: { remoteAddress: address } } as Parameters<typeof peerAddress>[0];
  return by.decide({
    identity: isPublic(snapshot, found.route)
      ? anybody
      : { subject: fold(subject), groups: null, mfa, expiresAt: null },
    ...{ ...found, time, networks: by.networksOf(peerAddress(remoteAddress)) },
    path: `/${api}${found.route.template.replace('{tenant}', tenant)}`,
  });
}

/** Every way in which somebody may call something. */
const ways = (subject: string, operation: string): Call[] =>
  [[], ['office'], ['vpn'], ['office', 'vpn']].flatMap((networks) =>
    [false, true].flatMap((mfa) =>
      times.flatMap((time) => tenants.map((tenant) => ({ subject, operation, networks, mfa, time, tenant }))),
    ),
  );

/** What becomes of somebody's access to an operation, as a difference calls it; null: nothing. */
function becomes(before: Model, after: Model, subject: string, operation: string): string | null {
  const answers = ways(subject, operation).map((call) =>
    [before, after].map((one) => allowing(one, call).length > 0),
  );
  const is = (was: boolean, now: boolean) => answers.some(([one, other]) => one === was && other === now);
  const [more, less] = [is(false, true), is(true, false)];
  if (!more && !less) return null;
  if (more && less) return 'altered';
  if (more) return answers.some(([was]) => was) ? 'more' : 'gains';
  return answers.some(([, now]) => now) ? 'less' : 'loses';
}
const alike: Readonly<Record<string, string>> = {
  ...{ loosened: 'more', extended: 'more', tightened: 'less', shortened: 'less' },
};

test('by a difference, an inventory and an explanation, whoever calls, from where and when', async () => {
  const seen = { allowed: 0, changed: 0, same: 0 };
  for (let round = 0; round < rounds; round += 1) {
    const draw = random(`told ${round}`);
    const model = drawModel(draw);
    const next = drawChange(draw, model);
    const [world, later] = [await worldOf(model), await worldOf(next)];
    const what = `round ${round}`;

    for (let ask = 0; ask < 40; ask += 1) {
      const address = draw.pick(addresses);
      const call: Call = {
        ...{
          subject: draw.pick(subjects),
          operation: draw.pick(model.operations).name,
          mfa: draw.chance(0.6),
        },
        ...{ networks: networksOf(model, address), time: draw.pick(times), tenant: draw.pick(tenants) },
      };
      const expected = allowing(model, call);
      const { result } = decided(world, call, address);
      const told = `${what}: ${JSON.stringify({ call, address, result })}`;
      assert.deepEqual([result.allow, result.grants], [expected.length > 0, expected], told);
      if (result.allow) seen.allowed += 1;
      if (ask >= 4) continue;
      const { subject, operation, networks, mfa, time, tenant } = call;
      const params = model.operations.find(({ name }) => name === operation)?.call.includes('{')
        ? { tenant }
        : {};
      const question = { subject, api, operation, networks: [...networks], mfa, at: instantOf(time), params };
      const explained = await explain(world.snapshot, readQuestion(question, world.snapshot, 0), null);
      assert.equal(explained.allowed, result.allow, told);
      const holding = explained.grants.filter(({ holds }) => holds).map(({ id }) => id);
      assert.deepEqual(holding, result.grants, told);
    }

    const asOf = draw.pick(times);
    const inventory = openInventory({ asOf, revision: null, organisation: world.organisation, seen: null });
    for (const { name, holdings } of entriesOf(inventory, 'person')) {
      const held = heldBy(model, name).filter((one) => !one.suspended && asOf < endOf(one));
      assert.deepEqual(
        holdings.map(({ grant }) => grant.id).sort(),
        isActive(model, name) ? held.map(({ id }) => id).sort() : [],
        `${what}: ${name} at ${instantOf(asOf)}`,
      );
    }

    const diff = diffData(world.data, later.data, { at: null });
    const isOpened = new Set(
      diff.changes.filter(({ who }) => who.includes('anonymous')).flatMap(({ operations }) => operations),
    );
    let changed = false;
    for (const subject of subjects)
      for (const { name } of model.operations) {
        const rows = diff.changes.filter(
          ({ who, operations }) => who.includes(fold(subject)) && operations.includes(name),
        );
        const expected = becomes(model, next, subject, name);
        changed ||= expected !== null;
        const told = rows.map(({ kind }) => alike[kind] ?? kind);
        // Anybody's row is everybody's.
        if (told.length > 0 || !isOpened.has(name))
          assert.deepEqual(told, expected === null ? [] : [expected], `${what}: ${subject} ${name}`);
      }
    const summary = summaryOf({ policiesChanged: false, ...diff });
    if (changed) assert.doesNotMatch(summary, /obody/, what);
    seen[changed ? 'changed' : 'same'] += 1;
  }
  assert.ok(seen.allowed > 200 && seen.changed > 15 && seen.same > 5, JSON.stringify(seen));
});
