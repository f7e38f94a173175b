import type { Holding } from '../../bundle/access/openAccess.ts';
import { counted } from '../../bundle/format/counted.ts';
import { dayOf } from '../../bundle/format/times.ts';
import type { Grant } from '../../bundle/grants/organisation.ts';
import { idleText } from './idleText.ts';
import {
  conditionsText,
  entriesOf,
  entryFor,
  type Inventory,
  lastUseOf,
  neverCalled,
  ownRulesText,
  uncatalogued,
  type View,
} from './inventory.ts';

/** Names come from grants and records: what would move a terminal's cursor or turn its text does not reach it. */
const harmless = (text: string) => text.replace(/[\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}]+/gu, ' ');

/** Breaks a line at blanks so that it fits; what is longer than a line by itself is cut into pieces. */
export function wrapped(text: string, width: number, indent: number, hang = indent + 2): string[] {
  const lines: string[] = [];
  let line = ' '.repeat(indent);
  let empty = true;
  for (const word of harmless(text).split(' ')) {
    let left = [...word];
    if (!empty && [...line].length + 1 + left.length > width) {
      lines.push(line);
      line = ' '.repeat(hang);
      empty = true;
    }
    for (;;) {
      const room = width - [...line].length - (empty ? 0 : 1);
      if (left.length <= room) break;
      lines.push(`${line}${empty ? '' : ' '}${left.slice(0, room).join('')}`);
      left = left.slice(room);
      line = ' '.repeat(hang);
      empty = true;
    }
    line += `${empty ? '' : ' '}${left.join('')}`;
    empty = false;
  }
  return [...lines, line];
}

/** It holds as soon as it is merged. */
const sinceText = ({ granted, grantedAt, expires }: Grant, asOf: number) =>
  `${grantedAt > asOf ? `already, though dated ${granted}` : `since ${granted}`}${expires === undefined ? '' : ` until ${expires}`}`;

/** A line before it is broken, and how far it stands to the right. */
type Line = readonly [indent: number, text: string];
type Entry = { name: string; holdings: readonly Holding[] };

/** The inventory for a terminal, no line wider than `width`: a line for each thing the view goes by and all below it. */
export function* inventoryText(inventory: Inventory, by: View, width: number): Generator<string> {
  for (const [indent, text] of linesOf(inventory, by)) yield* wrapped(text, Math.max(width, 40), indent);
}

function* linesOf(inventory: Inventory, by: View): Generator<Line> {
  if (inventory.ownPolicies) yield [0, ownRulesText];
  for (const entry of entriesOf(inventory, by)) {
    if (by === 'api') yield* apiLines(entry, inventory);
    else if (by === 'grant') yield* grantLines(entry, inventory);
    else yield* holderLines(entry, by, inventory);
  }
  if (inventory.seen !== null) yield* observedLines(inventory);
}

/** Since when and how far a grant holds, and when it, or one operation by it, was last used. */
function termsText(grant: Grant, inventory: Inventory, operation?: string): string {
  const asked = conditionsText(grant);
  const terms = `${sinceText(grant, inventory.asOf)}${asked === '' ? '' : `, ${asked}`}`;
  if (inventory.seen === null) return terms;
  const last = lastUseOf(inventory, grant.id, operation);
  return `${terms}${last === null ? ', not seen in use' : `, last used ${dayOf(last)}`}`;
}

const holdersOf = (holdings: readonly Holding[]) => new Set(holdings.map(({ subject }) => subject)).size;

function* apiLines({ name, holdings }: Entry, inventory: Inventory): Generator<Line> {
  const api = inventory.organisation.apis.get(name);
  if (api === undefined) return;
  const byGrant = [...Map.groupBy(holdings, ({ grant }) => grant)];
  const holders = counted(holdersOf(holdings), 'person or service', 'people and services');
  const operations = counted(api.operations.size, 'operation');
  yield [0, `${name}: tier ${api.tier}, owner ${api.owner}, ${operations}, held by ${holders}`];
  for (const [role, covers] of api.roles) yield [2, `role ${role}: ${covers.join(', ')}`];
  for (const [operation, call] of api.operations) {
    yield [2, `${operation} (${call})`];
    const giving = byGrant.filter(([{ covers }]) => covers.includes(operation));
    if (api.public?.includes(operation)) yield [4, 'anybody, without a credential: it is public'];
    else if (giving.length === 0) yield [4, 'nobody'];
    for (const [grant, theirs] of giving) {
      const terms = termsText(grant, inventory, operation);
      yield [4, `${grant.principal}${whom(grant, theirs)} by ${grant.id}, ${terms}`];
    }
  }
}

function* grantLines({ name, holdings }: Entry, inventory: Inventory): Generator<Line> {
  const { access } = inventory;
  const grant = access.grants.find(({ id }) => id === name);
  if (grant === undefined) return;
  const idle = access.idle(grant);
  const gives = idle === null ? '' : `; gives nothing: ${idleText[idle]}`;
  const place = `${grant.place.file}:${grant.place.line}`;
  yield [
    0,
    `${name} (${place}): ${grant.covers.join(', ')} of ${grant.api} for ${grant.principal}, ${termsText(grant, inventory)}, owner ${grant.owner}${gives}`,
  ];
  for (const { subject, chain } of holdings) yield [2, `${subject}${through(chain)}`];
}

/** What a person, a service or a group holds. */
function* holderLines({ name, holdings }: Entry, by: View, inventory: Inventory): Generator<Line> {
  if (holdings.length === 0) {
    yield [0, `${name}: holds nothing`];
    return;
  }
  yield [0, by === 'group' ? `${name} (${counted(holdersOf(holdings), 'active member')})` : name];
  for (const [grant, [first]] of Map.groupBy(holdings, ({ grant }) => grant)) {
    const others = grant.principal === name ? '' : ` through ${grant.principal}`;
    const how = by === 'person' ? through(first?.chain ?? []) : others;
    const terms = termsText(grant, inventory);
    yield [2, `${grant.covers.join(', ')} of ${grant.api} by ${grant.id}${how}, ${terms}`];
  }
}

/** What records show beside what is declared, and what is declared and no record shows. */
function* observedLines(inventory: Inventory): Generator<Line> {
  const strange = uncatalogued(inventory);
  if (strange.length > 0) yield [0, 'Seen, not catalogued:'];
  for (const calls of strange) {
    const { api, operation, requests, allowed, last } = calls;
    const asked = counted(requests, 'request');
    yield [2, `${operation} of ${api}: ${asked}, ${allowed} allowed, the last on ${dayOf(last)}`];
    const entry = entryFor(calls);
    if (entry !== null && inventory.organisation.apis.has(api))
      yield [4, `under "operations" of grants/apis/${api}.yaml: ${entry}`];
  }
  const never = neverCalled(inventory);
  if (never.length > 0) yield [0, 'Granted, never called by anyone in these records:'];
  for (const { api, operation, grants } of never)
    yield [2, `${operation} of ${api}: ${grants.map(({ id }) => id).join(', ')}`];
}

const through = (chain: readonly string[]) => (chain.length === 0 ? '' : ` through ${chain.join(' in ')}`);

const whom = ({ principal }: Grant, holdings: readonly Holding[]) =>
  principal.startsWith('group:') ? ` (${holdings.length})` : '';
