import type { Node } from './places.ts';

/** Tells a problem at an offset in the text. */
export type Report = (offset: number, code: string, message: string) => void;

type Frame =
  | { kind: 'sequence'; node: Node; flow: boolean; items: unknown[] }
  | { kind: 'mapping'; node: Node; flow: boolean; members: Record<string, unknown>; key: Key | null };
type Key = { name: string; node: Node; skip: boolean };

/** A document that is put together value by value, as plain data and as nodes with their places. */
export type YamlDocument = {
  /** What the next value is. */
  expects(): 'root' | 'item' | 'key' | 'member';
  /** Begins a collection at an offset; what is accepted until it is closed stands in it. `flow`: in brackets. */
  open(kind: 'sequence' | 'mapping', start: number, flow: boolean): void;
  /** Ends the innermost collection, which is still to be accepted; null where none is open. */
  close(): { kind: Frame['kind']; flow: boolean; node: Node; value: unknown } | null;
  accept(value: unknown, node: Node): void;
  /** Null as long as there is nothing in it. */
  value(): unknown;
};

const forbidden = new Set(['__proto__', 'constructor', 'prototype']);

/** `root` becomes the node of the whole. What stands under a key that is refused is read and left out. */
export function createYamlDocument(root: Node, report: Report): YamlDocument {
  let whole: unknown = null;
  const stack: Frame[] = [];
  return {
    expects() {
      const frame = stack.at(-1);
      if (frame === undefined) return 'root';
      if (frame.kind === 'sequence') return 'item';
      return frame.key === null ? 'key' : 'member';
    },
    open(kind, start, flow) {
      const node: Node = { start, end: start };
      if (kind === 'sequence') stack.push({ kind, flow, items: [], node: { ...node, items: [] } });
      else stack.push({ kind, flow, members: {}, key: null, node: { ...node, members: new Map() } });
    },
    close() {
      const frame = stack.pop();
      if (frame === undefined) return null;
      const { kind, flow, node } = frame;
      return { kind, flow, node, value: frame.kind === 'sequence' ? frame.items : frame.members };
    },
    accept(value, node) {
      const frame = stack.at(-1);
      if (frame === undefined) {
        whole = value;
        Object.assign(root, node);
      } else if (frame.kind === 'sequence') {
        frame.items.push(value);
        frame.node.items?.push(node);
      } else if (frame.key === null) {
        const fault = keyFault(value, frame.members);
        if (fault !== null) report(node.start, fault.code, fault.message);
        frame.key = { name: typeof value === 'string' ? value : '', node, skip: fault !== null };
      } else {
        const { name, node: key, skip } = frame.key;
        frame.key = null;
        if (skip) return;
        frame.members[name] = value;
        frame.node.members?.set(name, { key, value: node });
      }
    },
    value: () => whole,
  };
}

/** Why a key must not stand in a mapping with these members, or null. */
function keyFault(
  key: unknown,
  members: Readonly<Record<string, unknown>>,
): { code: string; message: string } | null {
  if (typeof key !== 'string') return { code: 'yaml-key', message: 'a key must be plain text' };
  if (key === '<<')
    return { code: 'yaml-merge', message: 'merge keys are not allowed; write the values out' };
  if (forbidden.has(key))
    return { code: 'yaml-forbidden-key', message: `the key ${JSON.stringify(key)} is not allowed` };
  if (Object.hasOwn(members, key))
    return { code: 'yaml-duplicate-key', message: `the key ${JSON.stringify(key)} is given twice` };
  return null;
}
