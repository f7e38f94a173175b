import { canonicalJson } from '../../bundle/format/canonicalJson.ts';

/** A document as data.json holds it, before it is written in lines. */
export type Document = {
  apis: Record<string, unknown>;
  credentials?: Record<string, Record<string, string>>;
  documents?: Record<string, Record<string, unknown>>;
  grants: Record<string, Record<string, unknown[]>>;
  networks?: Record<string, string[]>;
  principals: Record<string, { active: boolean; groups: string[] }>;
};

const byBytes = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b));

/** Writes a document in the line form. */
export function lineForm({
  apis,
  credentials,
  documents = {},
  grants,
  networks = {},
  principals,
}: Document): Buffer {
  const lines = (entries: Record<string, unknown>) =>
    Object.keys(entries)
      .sort(byBytes)
      .map((key) => `${canonicalJson(key)}:${canonicalJson(entries[key])}`)
      .join(',\n');
  const section = (entries: Record<string, unknown>) =>
    Object.keys(entries).length === 0 ? '{}' : `{\n${lines(entries)}\n}`;
  const granted = Object.keys(grants)
    .sort(byBytes)
    .filter((api) => Object.keys(grants[api] ?? {}).length > 0)
    .map((api) => `"${api}":${section(grants[api] ?? {})}`)
    .join(',');
  const named = Object.keys(documents)
    .sort(byBytes)
    .map((name) => `"${name}":${section(documents[name] ?? {})}`)
    .join(',');
  const written = named === '' ? '' : `,\n"documents":{${named}}`;
  const known = { api_keys: {}, jwt_subjects: {}, spiffe_ids: {}, ...credentials };
  return Buffer.from(
    `{"apis":${canonicalJson(apis)},\n"credentials":${canonicalJson(known)}${written},\n"grants":{${granted}},` +
      `"networks":${canonicalJson(networks)},"principals":${section(principals)}}`,
  );
}

/** An API entry with the given name's plausible values. */
export function apiEntry(name: string) {
  return {
    description: `The ${name} API`,
    operations: { get: `GET /v1/${name}/{id}`, list: `GET /v1/${name}` },
    owner: 'group:platform',
    route: { prefix: `/${name}`, strip: true },
    tier: 'low',
    upstream: 'http://127.0.0.1:1',
  };
}

/** `grants` lines spread over ten APIs: one in ten belongs to a group, and each person is in three groups. */
export function largeDocument(grants: number): Buffer {
  const apis = Array.from({ length: 10 }, (_, i) => `api-${i}`);
  const holders = Math.ceil(grants / apis.length);
  const digits = (n: number) => String(n).padStart(7, '0');
  const document: Document = { apis: {}, grants: {}, principals: {} };
  for (const api of apis) {
    document.apis[api] = apiEntry(api);
    const lines: Record<string, unknown[]> = {};
    for (let i = 0; i < holders; i += 1) {
      const name = i % 10 === 0 ? `group:team-${digits(i)}` : `user:person-${digits(i)}@example.com`;
      lines[name] = [{ expires: 1_803_859_200, id: `${api}-${digits(i)}`, operations: ['get', 'list'] }];
    }
    document.grants[api] = lines;
  }
  const teams = Math.max(1, Math.floor(holders / 10));
  for (let i = 0; i < holders; i += 1) {
    const groups = [i, i + 7, i + 13].map((n) => `group:team-${digits((n % teams) * 10)}`);
    document.principals[`user:person-${digits(i)}@example.com`] = {
      active: true,
      groups: [...new Set(groups)].sort(),
    };
  }
  return lineForm(document);
}
