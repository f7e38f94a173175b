import { execFile } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Ajv } from 'ajv';
import { loadAll } from 'js-yaml';

const run = promisify(execFile);

/** The folder of a Go module (`PATH@VERSION`) in Go's own cache; null where it cannot be had. */
export async function goModule(module: string): Promise<string | null> {
  try {
    const { stdout } = await run('go', ['mod', 'download', '-json', module], { cwd: '/', timeout: 120_000 });
    return (JSON.parse(stdout) as { Dir: string }).Dir;
  } catch {
    return null;
  }
}

type Schema = {
  properties?: Record<string, Schema>;
  items?: Schema;
  additionalProperties?: boolean | Schema;
  [other: string]: unknown;
};
type Definition = {
  kind: string;
  spec: {
    group: string;
    names: { kind: string };
    versions: { name: string; schema: { openAPIV3Schema: Schema } }[];
  };
};
export type Manifest = {
  apiVersion: string;
  kind: string;
  metadata: { name: string };
  spec: Record<string, unknown>;
};

export const manifestsOf = (text: string): Manifest[] => loadAll(text) as Manifest[];

/** A cluster drops what a schema does not know: here it is a mistake. */
function strict(schema: Schema): Schema {
  const { properties, items, additionalProperties, format: _, ...rest } = schema;
  const open = schema['x-kubernetes-preserve-unknown-fields'] === true || additionalProperties !== undefined;
  return {
    ...Object.fromEntries(Object.entries(rest).filter(([key]) => !key.startsWith('x-'))),
    ...(items && { items: strict(items) }),
    ...(typeof additionalProperties === 'object' && { additionalProperties: strict(additionalProperties) }),
    ...(properties && {
      properties: Object.fromEntries(
        Object.entries(properties).map(([name, inner]) => [name, strict(inner)]),
      ),
      ...(!open && { additionalProperties: false }),
    }),
  };
}

/** Says what is wrong with a manifest, by the definitions in these files and folders. */
export function createProblems(places: readonly string[]): (manifest: Manifest) => string[] {
  const files = places.flatMap((place) =>
    statSync(place).isDirectory() ? readdirSync(place).map((name) => join(place, name)) : [place],
  );
  const ajv = new Ajv({ strict: false, allErrors: true, logger: false });
  const schemas = new Map<string, Schema>();
  for (const file of files.filter((name) => name.endsWith('.yaml')))
    for (const definition of loadAll(readFileSync(file, 'utf8')) as (Definition | null)[])
      if (definition?.kind === 'CustomResourceDefinition')
        for (const { name, schema } of definition.spec.versions)
          schemas.set(
            `${definition.spec.group}/${name} ${definition.spec.names.kind}`,
            schema.openAPIV3Schema,
          );
  return (manifest) => {
    const schema = schemas.get(`${manifest.apiVersion} ${manifest.kind}`);
    if (schema === undefined) return [`there is no ${manifest.apiVersion} ${manifest.kind}`];
    const spec = schema.properties?.spec;
    if (spec === undefined) return [`${manifest.kind} has no spec`];
    const holds = ajv.validate(strict(spec), manifest.spec);
    return holds ? [] : [`${manifest.kind} ${manifest.metadata.name}: ${ajv.errorsText()}`];
  };
}
