import { dataSections, keyAt, lineEnd, nothing, type Span, valueAt } from '../data/dataSections.ts';
import { type GrantLine, readGrantLine } from '../data/grantLine.ts';
import { type PrincipalLine, readPrincipalLine } from '../data/principalLine.ts';
import { compareCodePoints } from '../format/canonicalJson.ts';

/** How many bytes of principals are searched for somebody in a group; a member further on is not asked about. */
const within = 8 * 2 ** 20;
const lineFeed = 0x0a;

export type Form = { type?: string; values?: string[]; max_length?: number };
export type Apis = Record<string, { operations: Record<string, string>; facts?: Record<string, Form> }>;
/** data.json as text that is searched; its lines are the only places with a line feed before a quote. */
export type DataText = {
  apis: Apis;
  networks: unknown;
  /** The grants on the line of a principal under an API, or null. */
  grants: (api: string, principal: string) => readonly GrantLine[] | null;
  principal: (subject: string) => PrincipalLine | null;
  /** An entry of a data document, or null; all of them. */
  entry: (document: string, key: string) => unknown;
  entries: (document: string) => object;
  /** The first principal whose groups hold this one, or null. */
  memberOf: (group: string) => string | null;
  /** Lines of grants, evenly far apart. */
  pick: (count: number) => { api: string; principal: string }[];
};

/** Opens data.json as text; what it is asked for is looked for then. Throws BundleError `data-malformed`. */
export function openDataText(data: Buffer): DataText {
  const { head, grants, documents, principals } = dataSections(data);
  const valueAtLine = (start: number, section: Span): unknown =>
    valueAt(data, { start, end: lineEnd(data, start, section) });
  /** Halves what is left of sorted lines. */
  const find = (key: string, section: Span): unknown => {
    for (let [low, high] = [section.start, section.end]; low < high; ) {
      const start = data.lastIndexOf(lineFeed, Math.max(low, ((low + high) >>> 1) - 1)) + 1;
      const order = compareCodePoints(keyAt(data, start), key);
      if (order === 0) return valueAtLine(start, section);
      if (order > 0) high = start;
      else low = data.indexOf(lineFeed, start) + 1;
    }
    return null;
  };
  return {
    apis: JSON.parse(head.apis) as Apis,
    networks: JSON.parse(head.networks) as unknown,
    grants(api, principal) {
      const line = find(principal, grants.get(api) ?? nothing);
      return line === null ? null : readGrantLine(line);
    },
    principal(subject) {
      const line = find(subject, principals);
      return line === null ? null : readPrincipalLine(line);
    },
    entry: (document, key) => find(key, documents.get(document) ?? nothing),
    entries(document) {
      const { start, end } = documents.get(document) ?? nothing;
      return JSON.parse(`{${data.toString('utf8', start, end)}}`) as object;
    },
    memberOf(group) {
      const { start, end } = principals;
      const hit = data.subarray(start, Math.min(end, start + within)).indexOf(JSON.stringify(group));
      return hit < 0 ? null : keyAt(data, data.lastIndexOf(lineFeed, start + hit) + 1);
    },
    pick(count) {
      const [first] = grants;
      if (first === undefined) return [];
      const found = new Map<number, { api: string; principal: string }>();
      const from = first[1].start - Buffer.byteLength(`"${first[0]}":{\n`);
      const to = data.lastIndexOf('"principals":{');
      for (let index = 0; index < count; index += 1) {
        const start = data.indexOf('\n"', from + Math.floor((index * (to - from)) / count)) + 1;
        if (start === 0 || start >= to) continue;
        const [api] = [...grants].find(([, span]) => span.start <= start && start < span.end) ?? [];
        if (api !== undefined) found.set(start, { api, principal: keyAt(data, start) });
      }
      return [...found.values()];
    },
  };
}
