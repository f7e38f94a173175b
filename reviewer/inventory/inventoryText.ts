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

/** The inventory for a terminal, no line wider than `width`: a line for each thing the view goes by and all below it. */
export function* inventoryText(inventory: Inventory, by: View, width: number): Generator<string> {
  const { seen, organisation, access } = inventory;
  const since = (grant: Grant) => sinceText(grant, inventory.asOf);
  const say = (indent: number, text: string) => wrapped(text, Math.max(width, 40), indent);
  const used = (grant: string, operation?: string) => {
    const last = lastUseOf(inventory, grant, operation);
    if (seen === null) return '';
    return last === null ? ', not seen in use' : `, last used ${dayOf(last)}`;
  };
  const terms = (grant: Grant) => {
    const asked = conditionsText(grant);
    return asked === '' ? '' : `, ${asked}`;
  };
  if (inventory.ownPolicies) yield* say(0, ownRulesText);
  for (const { name, holdings } of entriesOf(inventory, by)) {
    const holders = new Set(holdings.map(({ subject }) => subject)).size;
    const byGrant = Map.groupBy(holdings, ({ grant }) => grant);
    const api = by === 'api' ? organisation.apis.get(name) : undefined;
    if (api !== undefined) {
      yield* say(
        0,
        `${name}: tier ${api.tier}, owner ${api.owner}, ${counted(api.operations.size, 'operation')}, held by ${counted(holders, 'person or service', 'people and services')}`,
      );
      for (const [role, covers] of api.roles) yield* say(2, `role ${role}: ${covers.join(', ')}`);
      for (const [operation, call] of api.operations) {
        yield* say(2, `${operation} (${call})`);
        const giving = [...byGrant].filter(([{ covers }]) => covers.includes(operation));
        const open = api.public?.includes(operation) === true;
        if (open) yield* say(4, 'anybody, without a credential: it is public');
        else if (giving.length === 0) yield* say(4, 'nobody');
        for (const [grant, theirs] of giving)
          yield* say(
            4,
            `${grant.principal}${whom(grant, theirs)} by ${grant.id}, ${since(grant)}${terms(grant)}${used(grant.id, operation)}`,
          );
      }
    } else if (by === 'grant') {
      const grant = access.grants.find(({ id }) => id === name);
      if (grant === undefined) continue;
      const idle = access.idle(grant);
      yield* say(
        0,
        `${name} (${grant.place.file}:${grant.place.line}): ${grant.covers.join(', ')} of ${grant.api} for ${grant.principal}, ${since(grant)}${terms(grant)}${used(name)}, owner ${grant.owner}${idle === null ? '' : `; gives nothing: ${idleText[idle]}`}`,
      );
      for (const { subject, chain } of holdings) yield* say(2, `${subject}${through(chain)}`);
    } else {
      if (holdings.length === 0) {
        yield* say(0, `${name}: holds nothing`);
        continue;
      }
      yield* say(0, by === 'group' ? `${name} (${counted(holders, 'active member')})` : name);
      for (const [grant, [first]] of byGrant)
        yield* say(
          2,
          `${grant.covers.join(', ')} of ${grant.api} by ${grant.id}${by === 'person' ? through(first?.chain ?? []) : grant.principal === name ? '' : ` through ${grant.principal}`}, ${since(grant)}${terms(grant)}${used(grant.id)}`,
        );
    }
  }
  if (seen === null) return;
  const strange = uncatalogued(inventory);
  if (strange.length > 0) yield* say(0, 'Seen, not catalogued:');
  for (const calls of strange) {
    const { api, operation, requests, allowed, last } = calls;
    yield* say(
      2,
      `${operation} of ${api}: ${counted(requests, 'request')}, ${allowed} allowed, the last on ${dayOf(last)}`,
    );
    const entry = entryFor(calls);
    if (entry !== null && organisation.apis.has(api))
      yield* say(4, `under "operations" of grants/apis/${api}.yaml: ${entry}`);
  }
  const never = neverCalled(inventory);
  if (never.length > 0) yield* say(0, 'Granted, never called by anyone in these records:');
  for (const { api, operation, grants } of never)
    yield* say(2, `${operation} of ${api}: ${grants.map(({ id }) => id).join(', ')}`);
}

const through = (chain: readonly string[]) => (chain.length === 0 ? '' : ` through ${chain.join(' in ')}`);

const whom = ({ principal }: Grant, holdings: readonly Holding[]) =>
  principal.startsWith('group:') ? ` (${holdings.length})` : '';
