import * as assert from 'node:assert/strict';
import { compilePolicy } from '../../../bundle/policy/compilePolicy.ts';
import { findOpa } from '../../../bundle/policy/opa.ts';
import { decisionPath } from '../../../bundle/policy/policies.ts';
import { type Enforcement, enforce } from '../../../gateway/decision/enforcement.ts';
import { deltaOf } from '../../../gateway/revision/lineDelta.ts';
import { indexLines, type SharedLines } from '../../../gateway/revision/lineIndex.ts';
import { openSnapshot, readHead, type Snapshot } from '../../../gateway/revision/snapshot.ts';
import { suite } from '../../_suite.ts';
import { apiEntry, lineForm } from '../_document.ts';

const test = suite('enforce');
const rego = `package grantgate.authz

ids := [grant.id | some grant in data.grants[input.api][input.subject]]

decision := {
	"allow": count(ids) > 0,
	"grants": ids,
	"reason": concat(",", data.principals[input.subject].groups),
}
`;
let wasm: WebAssembly.Module;
test.before(async () => {
  const policies = new Map([['policies/authz/authz.rego', Buffer.from(rego)]]);
  wasm = new WebAssembly.Module(new Uint8Array(await compilePolicy(await findOpa(), policies, decisionPath)));
});

const subject = 'user:ann';
const linesOf = (ids: readonly string[], groups: string[] = [], api = apiEntry('orders')) =>
  indexLines(
    lineForm({
      apis: { orders: api },
      grants: {
        orders: Object.fromEntries(
          ['user:zoe', ...(ids.length > 0 ? [subject] : [])].map((name) => [
            name,
            (name === subject ? ids : ['z']).map((id) => ({ id, operations: ['get'] })),
          ]),
        ),
      },
      principals: { [subject]: { active: true, groups } },
    }),
  );
const reads = { api: [], networks: false, clock: false, sources: [], wasm: '' };
const open = (revision: string, lines: SharedLines, before: Snapshot['before'] = null): Snapshot => {
  const facts = { revision, counter: 1, committedAt: '2026-11-23T12:00:00Z', digest: revision, grants: 0 };
  return openSnapshot({ ...facts, ...readHead(lines), reads, wasm, policy: 'p', lines, before }, 0);
};
/** What a revision says to ann, and whether it knew. */
const said = ({ decide }: Pick<Enforcement, 'decide'>) => {
  const { result, nanoseconds } = decide({
    identity: { subject, groups: null, mfa: false, expiresAt: null },
    route: { api: 'orders', operation: 'get', template: '/', upstream: 'http://a', base: '', strip: 0 },
    ...{ method: 'GET', networks: [], time: 7 },
  });
  return { ...result, known: nanoseconds === 0 };
};
const before = linesOf(['a'], ['group:x']);
const after = linesOf([], ['group:y']);
const delta = deltaOf(before, after);
assert.ok(delta);

test('the revision before is asked by its own lines, kept as what differs, and its answer is remembered', () => {
  const first = enforce(open('one', before), null);
  assert.equal(first.previous, null);
  assert.deepEqual([said(first).known, said(first).known], [false, true], 'what was answered is remembered');
  const { previous, ...next } = enforce(open('two', after, { revision: 'one', digest: 'one', delta }), first);
  assert.ok(previous);
  assert.equal(said(next).allow, false);
  assert.deepEqual(said(previous), { allow: true, grants: ['a'], reason: 'group:x', known: false });
  assert.deepEqual(said(previous), { allow: true, grants: ['a'], reason: 'group:x', known: true });
  assert.deepEqual(
    [previous.snapshot.revision, previous.snapshot.before, previous.previous],
    ['one', null, null],
  );
  assert.deepEqual(previous.principal(subject)?.groups, ['group:x']);
  assert.deepEqual(next.principal(subject)?.groups, ['group:y']);
  assert.notEqual(previous.snapshot.lines, first.snapshot.lines, 'its lines are let go of');
});

test('where what differs is not known, or was taken from another one, the revision before is kept whole', () => {
  const first = enforce(open('one', before), enforce(open('zero', after), null));
  for (const other of [
    null,
    { revision: 'zero', digest: 'one', delta },
    { revision: 'one', digest: 'zero', delta },
  ]) {
    const { previous } = enforce(open('two', after, other), first);
    assert.equal(previous?.snapshot, first.snapshot);
    assert.equal(previous.previous, null, 'it holds no further one');
    assert.deepEqual(said(previous).grants, ['a']);
  }
});

test('the routes of the revision before are good for as long as no API changes', () => {
  const first = enforce(open('one', before), null);
  assert.equal(enforce(open('two', after), first).route, first.route);
  const changed = linesOf(['a'], [], { ...apiEntry('orders'), tier: 'high' });
  assert.notEqual(enforce(open('three', changed), first).route, first.route);
});
