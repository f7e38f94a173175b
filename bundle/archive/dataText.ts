import { compareCodePoints } from '../format/canonicalJson.ts';
import { keyAt } from '../format/dataSections.ts';
import type { ParamsLine } from '../format/grantLine.ts';

/** How many bytes of principals are searched for somebody in a group; a member further on is not asked about. */
const within = 8 * 2 ** 20;
const lineFeed = 0x0a;

export type Grant = {
  operations: string[];
  expires?: number;
  conditions?: { mfa?: boolean; networks?: string[]; params?: ParamsLine };
};
export type Principal = { active: boolean; groups: string[] };
export type Form = { type?: string; values?: string[]; max_length?: number };
export type Apis = Record<string, { operations: Record<string, string>; facts?: Record<string, Form> }>;
/** data.json as text that is searched; its lines are the only places with a line feed before a quote. */
export type DataText = {
  apis: Apis;
  networks: unknown;
  /** The grants on the line of a principal under an API, or null. */
  grants: (api: string, principal: string) => Grant[] | null;
  principal: (subject: string) => Principal | null;
  /** An entry of a data document, or null; all of them. */
  entry: (document: string, key: string) => unknown;
  entries: (document: string) => object;
  /** The first principal whose groups hold this one, or null. */
  memberOf: (group: string) => string | null;
  /** Lines of grants, evenly far apart. */
  pick: (count: number) => { api: string; principal: string }[];
};

/** Opens data.json as text; what it is asked for is looked for then. */
export function openText(data: Buffer): DataText {
  const credentials = data.indexOf('\n"credentials":');
  const documents = new Map<string, [first: number, end: number]>();
  let grants = data.indexOf('\n', credentials + 1);
  const opening = '\n"documents":{';
  if (data.toString('latin1', grants, grants + opening.length) === opening)
    for (let at = grants + opening.length; data[at] === 0x22; ) {
      const named = data.indexOf('":{', at);
      const end = data[named + 3] === 0x7d ? named + 2 : data.indexOf('\n}', named);
      documents.set(data.toString('utf8', at + 1, named), [named + 4, end]);
      const behind = data.indexOf('}', end) + 1;
      at = behind + 1;
      grants = data.indexOf('\n', behind);
    }
  const principals = data.lastIndexOf('"principals":{');
  const apis = JSON.parse(data.toString('utf8', '{"apis":'.length, credentials - 1)) as Apis;
  const behind = '},"networks":';
  const declared = data.indexOf(behind, data.lastIndexOf('\n', principals)) + behind.length;
  const networks: unknown = JSON.parse(data.toString('utf8', declared, principals - 1));
  const lineAt = (start: number) => {
    const end = data.indexOf('\n', start);
    const line = data.toString('utf8', start, end < 0 ? data.length : end).replace(/,$/, '');
    return Object.entries(JSON.parse(`{${line}}`) as Record<string, unknown>)[0];
  };
  /** Halves what is left of sorted lines, from the first byte of one to behind the last byte of another. */
  const find = (key: string, from: number, to: number): unknown => {
    for (let [low, high] = [from, to]; low < high; ) {
      const start = data.lastIndexOf(lineFeed, Math.max(low, ((low + high) >>> 1) - 1)) + 1;
      const order = compareCodePoints(keyAt(data, start), key);
      if (order === 0) return lineAt(start)?.[1];
      if (order > 0) high = start;
      else low = data.indexOf(lineFeed, start) + 1;
    }
    return null;
  };
  const firstOf = (section: number) => data.indexOf(lineFeed, section) + 1;
  const sections = new Map<string, [first: number, end: number]>();
  for (let at = data.indexOf(':{\n', grants); at >= 0 && at < principals; ) {
    const api = JSON.parse(data.toString('utf8', data.lastIndexOf('"', at - 2), at)) as string;
    const end = data.indexOf('\n}', at);
    sections.set(api, [firstOf(at), end]);
    at = data.indexOf(':{\n', end);
  }
  return {
    apis,
    networks,
    grants(api, principal) {
      const lines = sections.get(api);
      return lines === undefined ? null : (find(principal, ...lines) as Grant[] | null);
    },
    principal: (subject) =>
      find(subject, firstOf(principals), data.length - '\n}}'.length) as Principal | null,
    entry(document, key) {
      const lines = documents.get(document);
      return lines === undefined ? null : find(key, ...lines);
    },
    entries(document) {
      const [first = 0, end = 0] = documents.get(document) ?? [];
      return JSON.parse(`{${data.toString('utf8', first, Math.max(first, end))}}`) as object;
    },
    memberOf(group) {
      const hit = data.subarray(0, principals + within).indexOf(JSON.stringify(group), principals);
      return hit < 0 ? null : (lineAt(data.lastIndexOf('\n', hit) + 1)?.[0] ?? null);
    },
    pick(count) {
      const found = new Map<number, { api: string; principal: string }>();
      const from = grants + '\n"grants":{'.length;
      for (let index = 0; index < count; index += 1) {
        const start = data.indexOf('\n"', from + Math.floor((index * (principals - from)) / count)) + 1;
        if (start === 0 || start >= principals) continue;
        const [api] = [...sections].find(([, [first, end]]) => first <= start && start < end) ?? [];
        const principal = lineAt(start)?.[0];
        if (api !== undefined && principal !== undefined) found.set(start, { api, principal });
      }
      return [...found.values()];
    },
  };
}
