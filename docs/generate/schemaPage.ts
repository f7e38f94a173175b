/** As much of JSON Schema 2020-12 as our own schemas use. */
export type Schema = {
  title?: string;
  description?: string;
  type?: string | readonly string[];
  enum?: readonly unknown[];
  const?: unknown;
  default?: unknown;
  properties?: Readonly<Record<string, Schema>>;
  required?: readonly string[];
  additionalProperties?: boolean | Schema;
  items?: Schema;
  anyOf?: readonly Schema[];
  oneOf?: readonly Schema[];
  allOf?: readonly Schema[];
  [other: string]: unknown;
};

type Row = { path: string; kind: string; fallback: string; about: string };

/** Whether a key must be there: always, in one of the forms that a mapping may have, or not. */
type Need = 'required' | 'one of them' | '';

/** A table of every key that a schema knows, nested ones by their path: `bundle.hold.grants`, `operations.NAME`, `[].id`. */
export function schemaTable(schema: Schema): string {
  const rows: Row[] = [];
  walk(schema, '', 'required', rows);
  const lines = rows.map(
    ({ path, kind, fallback, about }) => `| \`${path}\` | ${kind} | ${fallback} | ${about} |`,
  );
  return ['| key | is | default | |', '| --- | --- | --- | --- |', ...lines].join('\n');
}

const alternatives = (schema: Schema) => schema.anyOf ?? schema.oneOf ?? [];

function needOf(schema: Schema, one: Schema, key: string): Need {
  if (one.required?.includes(key) !== true) return '';
  const forms = alternatives(schema).filter(({ properties }) => properties !== undefined);
  return one === schema || forms.every(({ required }) => required?.includes(key))
    ? 'required'
    : 'one of them';
}

function walk(schema: Schema, path: string, need: Need, rows: Row[]): void {
  if (path !== '') rows.push(rowOf(schema, path, need));
  const seen = new Set<string>();
  for (const one of [schema, ...alternatives(schema)]) {
    for (const [key, value] of Object.entries(one.properties ?? {})) {
      if (seen.has(key)) continue;
      seen.add(key);
      walk(value, path === '' ? key : `${path}.${key}`, needOf(schema, one, key), rows);
    }
    // A file of names alone has no other row.
    const names = one.additionalProperties;
    if (typeof names === 'object' && (path === '' || hasKeys(names)))
      walk(names, path === '' ? 'NAME' : `${path}.NAME`, '', rows);
    if (one.items !== undefined && hasKeys(one.items)) walkItems(one.items, `${path}[]`, rows);
  }
}

function walkItems(schema: Schema, path: string, rows: Row[]): void {
  for (const one of [schema, ...alternatives(schema)])
    for (const [key, value] of Object.entries(one.properties ?? {}))
      walk(value, `${path}.${key}`, needOf(schema, one, key), rows);
}

const hasKeys = (schema: Schema): boolean =>
  schema.properties !== undefined || alternatives(schema).some(hasKeys);

function rowOf(schema: Schema, path: string, need: Need): Row {
  const { default: fallback } = schema;
  const plain = fallback !== undefined && JSON.stringify(fallback) !== '{}';
  return {
    path,
    kind: kindOf(schema),
    fallback: plain ? `\`${JSON.stringify(fallback)}\`` : need,
    about: (schema.description ?? '').replaceAll('|', '\\|').replaceAll('\n', ' '),
  };
}

function kindOf(schema: Schema): string {
  if (schema.enum !== undefined) return schema.enum.map((value) => `\`${String(value)}\``).join(', ');
  if (schema.const !== undefined) return `\`${String(schema.const)}\``;
  const choices = alternatives(schema);
  if (choices.length > 0) return [...new Set(choices.map(kindOf))].join(' or ');
  if (schema.type === 'array')
    return `list of ${schema.items === undefined ? 'values' : kindOf(schema.items)}`;
  if (schema.type === 'object') return 'mapping';
  if (schema.type === 'string') return 'text';
  if (schema.type === 'integer') return 'whole number';
  return typeof schema.type === 'string' ? schema.type : 'value';
}
