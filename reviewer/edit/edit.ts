import { isDeepStrictEqual } from 'node:util';
import { isMapping } from '../../bundle/format/isMapping.ts';
import { parseYaml } from '../../bundle/yaml/parseYaml.ts';
import { ReviewError } from '../reviewError.ts';
import type { Narrowed } from './narrow.ts';
import { isFlow, itemLines, removeItem } from './removeItem.ts';
import { flow, scalar, setField } from './setField.ts';

/** One change to one grant. */
export type Edit =
  | { kind: 'delete'; grant: string }
  | { kind: 'suspend'; grant: string }
  | { kind: 'narrow'; grant: string; to: Narrowed }
  | { kind: 'set'; grant: string; to: GrantFields };

/** Who kept a grant, when, until when and why, as it is written beside it. */
export type ReviewEntry = { decision: 'keep'; by: string; at: string; until?: string; reason: string };

/** Keys of a grant that a decision writes. */
export type GrantFields = {
  review?: ReviewEntry;
  expires?: string;
  owner?: string;
  state?: 'active' | 'suspended';
  principal?: string;
  /** Beside those that are there. */
  conditions?: { mfa?: true; networks?: string[] };
  limits?: { rate: string };
};

type Item = Record<string, unknown>;
type Parsed = ReturnType<typeof parseYaml>;
/** Where an item stands: the text of its file, how that reads, and its place in the list. */
type Spot = { text: string; file: string; parsed: Parsed; index: number };

const failed = (file: string, what: string) =>
  new ReviewError('edit-failed', `${file}: ${what}; the file was left as it is`);

function itemsOf(parsed: Parsed, file: string): Item[] {
  const { value, problems } = parsed;
  if (problems.length > 0 || !Array.isArray(value)) throw failed(file, 'must be a list of grants');
  return value.map((item: unknown) => {
    if (typeof item !== 'object' || item === null) throw failed(file, 'must be a list of grants');
    return item as Item;
  });
}

function indexOf(items: readonly Item[], grant: string, file: string): number {
  const index = items.findIndex(({ id }) => id === grant);
  if (index < 0) throw failed(file, `has no grant ${grant}`);
  return index;
}

const written = (to: Narrowed): string =>
  'role' in to ? `role: ${scalar(to.role)}` : `operations: [${to.operations.map(scalar).join(', ')}]`;

/** Where one looks for a key that is new: after the dates, of which every grant has the last. */
const dates = ['cadence', 'expires', 'granted'];
const order: Readonly<Record<keyof GrantFields, readonly string[]>> = {
  state: dates,
  expires: ['granted'],
  owner: ['reason', 'principal'],
  principal: ['id'],
  conditions: ['state', ...dates],
  limits: ['conditions', 'state', ...dates],
  review: ['review', 'limits', 'conditions', 'state', ...dates],
};

const mapping = (value: unknown): Item => (isMapping(value) ? value : {});

/** A grant's keys as a change leaves them: what is asked of it or limits it comes beside what does already. */
const changed = (item: Item, { conditions, limits, ...to }: GrantFields): Item => ({
  ...item,
  ...to,
  ...(conditions && { conditions: { ...mapping(item.conditions), ...conditions } }),
  ...(limits && { limits: { ...mapping(item.limits), ...limits } }),
});

function set({ text, file, parsed, index }: Spot, to: GrantFields): string {
  const item = itemsOf(parsed, file)[index] ?? {};
  let result = text;
  const apply = (key: keyof GrantFields, value: string | undefined) => {
    if (value === undefined) return;
    const read = result === text ? parsed : parseYaml(result, file);
    result = setField(result, read, { index, key, value, after: order[key] });
  };
  const { conditions, limits } = changed(item, to);
  apply('principal', to.principal && scalar(to.principal));
  apply('owner', to.owner && scalar(to.owner));
  apply('expires', to.expires && scalar(to.expires));
  apply('state', to.state);
  apply('conditions', to.conditions && flow(mapping(conditions)));
  apply('limits', to.limits && flow(mapping(limits)));
  apply('review', to.review && flow(to.review));
  return result;
}

function narrowTo({ text, parsed: { places }, index }: Spot, to: Narrowed): string {
  const from = places.key([index, 'role']) ?? places.key([index, 'operations']);
  const end = places.value([index, 'role']) ?? places.value([index, 'operations']);
  if (from === undefined || end === undefined) return text;
  return text.slice(0, from.start) + written(to) + text.slice(end.end);
}

/** What the file must say after an edit. */
function expected(items: readonly Item[], index: number, edit: Edit): Item[] {
  return items.flatMap((item, position) => {
    if (position !== index) return [item];
    if (edit.kind === 'delete') return [];
    if (edit.kind === 'suspend') return [{ ...item, state: 'suspended' }];
    if (edit.kind === 'set') return [changed(item, edit.to)];
    const { role: _role, operations: _operations, ...rest } = item;
    return [{ ...rest, ...edit.to }];
  });
}

/** The text with a change spliced in at the grant's place; not looked at yet. */
function splice(at: Spot, change: Edit): string {
  switch (change.kind) {
    case 'delete':
      return removeItem(at.text, { places: at.parsed.places, path: [] }, at.index);
    case 'suspend':
      return set(at, { state: 'suspended' });
    case 'narrow':
      return narrowTo(at, change.to);
    case 'set':
      return set(at, change.to);
    default:
      change satisfies never;
      throw failed(at.file, 'unknown edit');
  }
}

/**
 * Applies an edit to the text of an access file by splicing at the grant's place: comments, blank lines, key order and
 * line ends outside the edited lines stay byte for byte. Answers null when the last grant goes, and the file with it.
 * The result is read back and compared with what it must say, whatever `by` made of it; throws ReviewError
 * `edit-failed`. `parsed` is how the text reads, where that is known.
 */
export function edit(
  text: string,
  file: string,
  change: Edit,
  { by = splice, parsed = parseYaml(text, file) }: { by?: typeof splice; parsed?: Parsed | undefined } = {},
): string | null {
  const items = itemsOf(parsed, file);
  const index = indexOf(items, change.grant, file);
  const wanted = expected(items, index, change);
  if (wanted.length === 0) return null;
  const result = by({ text, file, parsed, index }, change);
  const after = parseYaml(result, file);
  if (after.problems.length > 0 || !isDeepStrictEqual(after.value, wanted))
    throw failed(
      file,
      `the grant ${change.grant} is written in a way that cannot be edited (${change.kind})`,
    );
  return result;
}

/** The text of a grant in its file, with the comments that belong to it; for lists in brackets the item alone. */
export function grantText(
  text: string,
  file: string,
  grant: string,
  parsed: Parsed = parseYaml(text, file),
): string {
  const index = indexOf(itemsOf(parsed, file), grant, file);
  const list = { places: parsed.places, path: [] };
  if (isFlow(text, list)) {
    const { start, end } = parsed.places.nearest([index]);
    return text.slice(start, end);
  }
  const { from, to } = itemLines(text, list, index);
  return text.slice(from, to);
}

/**
 * Takes the exemptions of deleted grants out of the text of grants/review.yaml: the file may name only grants that are
 * there. Throws ReviewError `edit-failed`.
 */
export function removeExemptions(
  text: string,
  file: string,
  deleted: ReadonlySet<string>,
  by: typeof removeItem = removeItem,
): string {
  let result = text;
  for (;;) {
    const parsed = parseYaml(result, file);
    const list = (parsed.value as { exemptions?: { grant?: unknown }[] } | null)?.exemptions;
    if (parsed.problems.length > 0) throw failed(file, 'cannot be read');
    const index = list?.findIndex(({ grant }) => deleted.has(String(grant))) ?? -1;
    if (list === undefined || index < 0) return result;
    const path = ['exemptions'];
    const left = list.filter((_, position) => position !== index);
    if (left.length > 0) result = by(result, { places: parsed.places, path }, index);
    else {
      const [key, value] = [parsed.places.key(path), parsed.places.nearest(path)];
      result = `${result.slice(0, key?.start ?? value.start)}exemptions: []${result.slice(value.end)}`;
    }
    const after = parseYaml(result, file);
    const wanted = { ...(parsed.value as object), exemptions: left };
    if (after.problems.length > 0 || !isDeepStrictEqual(after.value, wanted))
      throw failed(file, 'its exemptions are written in a way that cannot be edited');
  }
}
