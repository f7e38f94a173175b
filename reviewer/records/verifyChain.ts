import { sha256 } from '../../bundle/format/digest.ts';
import type { Link } from '../../gateway/record/record.ts';
import { earlierDigests, type Manifest, type Pruned } from './manifest.ts';
import type { Archive } from './readArchive.ts';
import type { FileFacts, Jump } from './scanFile.ts';

export type BreakKind =
  | 'changed'
  | 'truncated'
  | 'missing'
  | 'reordered'
  | 'renamed'
  | 'forked'
  | 'unknown'
  | 'unchained'
  | 'unreadable'
  | 'manifest'
  | 'rollup'
  | 'checkpoint';

/** Where a chain does not hold, at which file, in a sentence. */
export type Break = { kind: BreakKind; file: string; sentence: string };
/** Numbers that no line has, or that were given out twice, before a line (null: before the file's first). */
export type Gap = {
  from: number;
  to: number;
  /** So many of them: all, but for a pruned file, whose roll-up says which. */
  numbers: number;
  again: boolean;
  file: string;
  line: number | null;
};

/** What is known of one instance's records. */
export type ChainResult = {
  instance: string;
  files: number;
  pruned: number;
  /** Files that a person was erased from; their digests are explained by the manifest. */
  erased: number;
  /** Files of versions without headers: in no chain but for the newest of them. */
  unchained: number;
  records: number;
  /** From file to file, oldest first: within each the chain holds. */
  holds: readonly { from: string; to: string; files: number }[];
  /** The file that no later one vouches for yet; null where there is none. */
  open: string | null;
  breaks: readonly Break[];
  gaps: readonly Gap[];
};

/** A link, of a file that lies here or that was pruned. */
type Node = {
  name: string;
  sha256: string;
  bytes: number;
  chain: Link | null;
  seq: readonly [number, number] | null;
  records: number;
  file: FileFacts | null;
};

/** Says of one instance from where to where its chain holds, what breaks it, and which numbers are missing. */
export function verifyChain({ instance, files, manifests, unreadable }: Archive): ChainResult {
  const breaks: Break[] = unreadable.map(({ path, reason }) => ({
    kind: 'unreadable',
    file: path,
    sentence: `${path} cannot be read: ${reason}`,
  }));
  for (const { path, broken } of manifests)
    if (broken !== null)
      breaks.push({
        kind: 'manifest',
        file: path,
        sentence: `${path} was changed: its line ${broken} does not follow from the one before it`,
      });
  const erased = manifests.flatMap((manifest) => manifest.erased);
  const pruned = manifests.flatMap((manifest) => manifest.pruned);
  const was = (sha256: string) => earlierDigests(sha256, erased);
  const nodes = nodesOf(files, pruned, was);
  const chained = placed(nodes, was, breaks);
  const first = chained[0];
  const old = unchainedOf(nodes, first, breaks);
  for (const { chain, name } of chained) checkAnchor(chain, name, manifests, breaks);

  const order = [...old, ...chained];
  const holds: { from: string; to: string; files: number }[] = [];
  const gaps: Gap[] = [];
  let last = 0;
  for (const [index, node] of order.entries()) {
    const before = order[index - 1];
    const broken = linkBreak(node, before, was, nodes);
    if (broken !== null) breaks.push(broken);
    const run = holds.at(-1);
    if (node.chain === null) holds.push({ from: node.name, to: node.name, files: 1 });
    else if (run === undefined || broken !== null || before === undefined)
      holds.push({ from: node.name, to: node.name, files: 1 });
    else Object.assign(run, { to: node.name, files: run.files + 1 });
    const { seq, name } = node;
    if (seq !== null && seq[0] !== last + 1) gaps.push(gapOf({ from: last + 1, to: seq[0] - 1 }, name, null));
    gaps.push(...gapsWithin(node));
    last = Math.max(last, seq?.[1] ?? 0);
  }
  const explained = new Set(erased.map(({ after }) => after));
  return {
    instance,
    files: nodes.filter(({ file }) => file !== null).length,
    pruned: nodes.filter(({ file }) => file === null).length,
    erased: nodes.filter(({ sha256 }) => explained.has(sha256)).length,
    unchained: old.length,
    records: order.reduce((sum, { records }) => sum + records, 0),
    // What stands before the chain is in it only by the header that binds it.
    holds: holds.filter(({ from, files: length }) => length > 1 || !old.some(({ name }) => name === from)),
    open: order.at(-1)?.name ?? null,
    breaks,
    gaps,
  };
}

function nodesOf(
  files: readonly FileFacts[],
  pruned: readonly Pruned[],
  was: (sha256: string) => ReadonlySet<string>,
): Node[] {
  const nodes: Node[] = [];
  for (const file of files) {
    if (file.bytes === 0) continue;
    const { name, sha256, bytes, chain, seq, records } = file;
    const copy = nodes.some((one) => one.sha256 === sha256 && one.chain?.place === chain?.place);
    if (!copy) nodes.push({ name, sha256, bytes, chain, seq, records, file });
  }
  for (const { file: name, sha256, bytes, chain, seq, records } of pruned)
    if (!nodes.some((one) => one.sha256 === sha256 || was(one.sha256).has(sha256)))
      nodes.push({ name, sha256, bytes, chain, seq, records, file: null });
  return nodes;
}

/** Nodes by place; of two at one place the later one is no link. */
function placed(
  nodes: readonly Node[],
  was: (sha256: string) => ReadonlySet<string>,
  breaks: Break[],
): Node[] {
  const byPlace = new Map<number, Node>();
  for (const node of nodes) {
    if (node.chain === null) continue;
    const { place } = node.chain;
    const known = byPlace.get(place);
    if (known === undefined) byPlace.set(place, node);
    // A copy from before a person was erased from it.
    else if (was(node.sha256).has(known.sha256)) byPlace.set(place, node);
    else if (!was(known.sha256).has(node.sha256))
      breaks.push({
        kind: 'forked',
        file: node.name,
        sentence: `${node.name} and ${known.name} both claim place ${place}`,
      });
  }
  return [...byPlace.values()].sort((a, b) => (a.chain?.place ?? 0) - (b.chain?.place ?? 0));
}

/** Files without a header, oldest first: they stand before the chain, or have lost it. */
function unchainedOf(nodes: readonly Node[], first: Node | undefined, breaks: Break[]): Node[] {
  const old: Node[] = [];
  const begins = first?.seq?.[0] ?? Number.POSITIVE_INFINITY;
  for (const node of nodes) {
    if (node.chain !== null) continue;
    if (first !== undefined && (node.seq?.[1] ?? 0) >= begins)
      breaks.push({
        kind: 'unchained',
        file: node.name,
        sentence: `${node.name} has no header, and the chain had begun by then`,
      });
    else old.push(node);
  }
  const due = (node: Node) => node.seq?.[0] ?? 0;
  return old.sort((a, b) => due(a) - due(b) || (a.name < b.name ? -1 : 1));
}

/** Folders that files were moved to have manifests of their own: one of them must go on from what a header knew. */
function checkAnchor(
  chain: Link | null,
  name: string,
  manifests: readonly Manifest[],
  breaks: Break[],
): void {
  const notes = chain?.notes ?? null;
  if (notes === null || breaks.some(({ kind }) => kind === 'manifest')) return;
  const isKnown = manifests.some(({ bytes }) => {
    const there = bytes.subarray(0, notes.bytes);
    return there.length === notes.bytes && sha256(there) === notes.sha256;
  });
  if (isKnown) return;
  const what = manifests.length === 0 ? 'is missing' : 'was changed';
  breaks.push({
    kind: 'manifest',
    file: name,
    sentence: `the manifest of pruned and erased files ${what}: it is not what ${name} was begun with`,
  });
}

/** What is wrong between a file and the one before it; null where nothing is, or nothing binds them. */
function linkBreak(
  node: Node,
  before: Node | undefined,
  was: (sha256: string) => ReadonlySet<string>,
  nodes: readonly Node[],
): Break | null {
  if (node.chain === null) return null;
  const { previous, place } = node.chain;
  const at = (kind: BreakKind, file: string, sentence: string): Break => ({ kind, file, sentence });
  const expected = before?.chain?.place ?? 0;
  if (previous === null)
    return before === undefined
      ? null
      : at(
          'unknown',
          node.name,
          `${node.name} says that it is the first file, and ${before.name} lies before it`,
        );
  if (before === undefined || expected !== place - 1) {
    const more = place - 2 - expected;
    const also = more > 0 ? `, and so ${more === 1 ? 'is' : 'are'} ${more} more before it` : '';
    return at(
      'missing',
      previous.file,
      `${previous.file} is missing: ${node.name} was begun after it${also}`,
    );
  }
  if (previous.sha256 === null)
    return at(
      'unknown',
      previous.file,
      `${previous.file} was gone when ${node.name} was begun, so nothing tells whether it is whole`,
    );
  if (was(before.sha256).has(previous.sha256))
    return before.name === previous.file
      ? null
      : at('renamed', before.name, `${before.name} was ${previous.file} when ${node.name} was begun`);
  const digest = previous.sha256;
  const other = nodes.find(({ sha256 }) => was(sha256).has(digest));
  if (other !== undefined)
    return at(
      'reordered',
      other.name,
      `${other.name} is what ${node.name} was begun after, and ${before.name} lies in its place`,
    );
  if (expected === 0 && before.name !== previous.file)
    return at('missing', previous.file, `${previous.file} is missing: ${node.name} was begun after it`);
  return previous.bytes !== null && before.bytes < previous.bytes
    ? at(
        'truncated',
        before.name,
        `${before.name} was cut: it had ${previous.bytes} bytes when ${node.name} was begun, and has ${before.bytes}`,
      )
    : at('changed', before.name, `${before.name} was changed after ${node.name} was begun`);
}

function gapsWithin({ file, name, seq, records }: Node): Gap[] {
  if (file !== null) return file.jumps.map((jump) => gapOf(jump, name, jump.line));
  const [due, last] = seq ?? [1, 0];
  const numbers = last + 1 - due - records;
  return numbers === 0 ? [] : [{ from: due, to: last, numbers, again: false, file: name, line: null }];
}

function gapOf({ from, to }: Pick<Jump, 'from' | 'to'>, file: string, line: number | null): Gap {
  const again = to < from;
  const [low, high] = again ? [to + 1, from - 1] : [from, to];
  return { from: low, to: high, numbers: high - low + 1, again, file, line };
}
