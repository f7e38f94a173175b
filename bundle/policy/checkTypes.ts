import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import type { Problem } from '../bundleError.ts';
import { isMapping } from '../format/isMapping.ts';
import { referenceKeys, valueAt } from '../yaml/jsonPointer.ts';
import type { DocumentReads } from './examine/policyReads.ts';
import { listOf, type Node } from './examine/syntax.ts';
import type { Opa } from './opa.ts';
import { builtInPolicies, capabilitiesFile } from './policies.ts';

/** The parts of the document and the request, each as policies/schemas/ has it. */
const parts = ['input', 'data.apis', 'data.grants', 'data.networks', 'data.principals'];
/** Names of networks are written out in policies; the other keys come from the request. */
const spelt = 'data.networks';

/**
 * opa takes what stands under free keys for of any type, and what a computed key leads to for one of what stands under
 * names: one name in place of the free keys at the top lets it see what is below.
 */
function named(schema: unknown): unknown {
  if (!isMapping(schema) || !isMapping(schema.additionalProperties)) return schema;
  return { ...schema, properties: { NAME: named(schema.additionalProperties) }, additionalProperties: false };
}

const scalars = ['string', 'number', 'boolean'];
const factSchemas: Readonly<Record<string, unknown>> = {
  text: { type: 'string' },
  number: { type: 'number' },
  boolean: { type: 'boolean' },
  list: { type: 'array', items: { type: scalars } },
};

/** The request as APIs let policies see it: of facts those that some API names, each of its type. */
function withFacts(schema: unknown, facts: ReadonlyMap<string, string>): unknown {
  if (!isMapping(schema) || facts.size === 0) return schema;
  const properties = Object.fromEntries([...facts].map(([name, type]) => [name, factSchemas[type]]));
  return {
    ...schema,
    properties: {
      ...(isMapping(schema.properties) && schema.properties),
      facts: { type: 'object', properties, additionalProperties: false },
    },
  };
}

/**
 * The types of a data document, of which a schema may say more than opa takes. Its own keys are free, but where the policy
 * spells some of them out or reads all of it; what stands in an entry is spelt out in any case.
 */
function documentTypes(schema: unknown, reads: DocumentReads | undefined): unknown {
  const plain = plainSchema(schema, schema);
  const isSpelt = reads === undefined || reads.whole || reads.keys.some(([kind]) => kind === 'text');
  if (isSpelt || !isMapping(plain) || !isMapping(plain.additionalProperties)) return plain;
  if (isMapping(plain.properties) && Object.keys(plain.properties).length > 0) return plain;
  return { ...plain, properties: { NAME: plain.additionalProperties }, additionalProperties: false };
}

/** A module that says what the schemas are of, for all packages below its own. */
const types = (names: readonly string[]) =>
  [
    '# METADATA',
    '# scope: subpackages',
    '# schemas:',
    ...names.map((name) => `#   - ${name}: schema.${typeFile(name)}`),
    'package grantgate',
    '',
  ].join('\n');
/** What the schema of a part is called, without an ending. */
export const typeFile = (part: string) => part.replace('data.', '').replace('.', '_');

const side = z.looseObject({ type: z.string() });
const complaints = z.object({
  errors: z.array(
    z.object({
      message: z.string(),
      location: z.object({ file: z.string(), row: z.number(), col: z.number() }),
      details: z
        .object({
          a: side.optional(),
          b: side.optional(),
          have: z.array(side.nullable()).optional(),
          oneOf: z.array(z.string()).optional(),
        })
        .nullish(),
    }),
  ),
});
type Complaint = z.output<typeof complaints>['errors'][number];

/** Schemas know no field that may be left out, so objects that lack one are taken for of another type. */
const isOptional = ({ details }: Complaint) =>
  [details?.a, details?.b].every((one) => JSON.stringify(one)?.includes('"object"'));

/** Rego orders values of all kinds, whatever is a text behind every number: that says nothing of either. */
const orders = ['lt', 'lte', 'gt', 'gte'];
const isOrder = ({ message }: Complaint) => orders.some((name) => message === `${name}: invalid argument(s)`);
const isMixed = ({ details }: Complaint) => {
  const [one, other] = (details?.have ?? []).map((have) => have?.type ?? 'any');
  return one !== other && [one, other].every((type) => type !== undefined && scalars.includes(type));
};

/** The same built-ins, but that only numbers are ordered: what orders others is complained of, with their kinds. */
async function numbersOrdered(): Promise<string> {
  const capabilities: unknown = JSON.parse(await readFile(capabilitiesFile, 'utf8'));
  const ordered = z
    .looseObject({ builtins: z.array(z.looseObject({ name: z.string() })) })
    .parse(capabilities);
  const args = [{ type: 'number' }, { type: 'number' }];
  const decl = { type: 'function', args, result: { type: 'boolean' } };
  const builtins = ordered.builtins.map((one) => (orders.includes(one.name) ? { ...one, decl } : one));
  return JSON.stringify({ ...ordered, builtins });
}

function problemOf(complaint: Complaint): Problem {
  const { message, location, details } = complaint;
  const { a, b, have, oneOf } = details ?? {};
  const [left, right] = have ?? [];
  const why = isOrder(complaint)
    ? `: ${left?.type} and ${right?.type} are ordered by their kinds, whatever they are`
    : a && b
      ? `: ${a.type} and ${b.type} are never equal`
      : oneOf
        ? `, expected ${oneOf.join(', ')}`
        : '';
  const { file, row: line, col: column } = location;
  return { file, line, column, code: 'policy', message: `${message}${why} (opa check --schema)` };
}

/** What a repository lets its policies know besides: types of facts by their names, and schemas of data documents. */
type Known = { facts: ReadonlyMap<string, string>; schemas: ReadonlyMap<string, unknown> };

/** All that a policy may read, each part (`input`, `data.documents.tenants`) with its JSON Schema as opa takes it. */
export async function policyTypes(
  { facts, schemas }: Known,
  reads: readonly DocumentReads[] = [],
): Promise<Map<string, unknown>> {
  const found = new Map<string, unknown>();
  for (const part of parts) {
    const text = await readFile(join(builtInPolicies, 'schemas', `${typeFile(part)}.json`), 'utf8');
    const schema: unknown = JSON.parse(text);
    found.set(part, part === 'input' ? withFacts(schema, facts) : part === spelt ? schema : named(schema));
  }
  for (const [name, schema] of schemas) {
    const read = reads.find((one) => one.name === name);
    found.set(`data.documents.${name}`, documentTypes(schema, read));
  }
  return found;
}

/**
 * Holds an examined policy against the types of all that a decision reads: a comparison that can never hold, or a field
 * that no grant has, is a rule that is silent. `reads` is how it reads data documents. Throws OpaError.
 */
export async function checkTypes(
  opa: Opa,
  policies: ReadonlyMap<string, Buffer>,
  known: Known,
  reads: readonly DocumentReads[] = [],
): Promise<Problem[]> {
  const work = await mkdtemp(join(tmpdir(), 'grantgate-types-'));
  try {
    await mkdir(join(work, 'schemas'));
    const all = await policyTypes(known, reads);
    for (const [part, schema] of all)
      await writeFile(join(work, 'schemas', `${typeFile(part)}.json`), JSON.stringify(schema));
    await writeFile(join(work, 'types.rego'), types([...all.keys()]));
    for (const [path, source] of policies) {
      await mkdir(dirname(join(work, path)), { recursive: true });
      await writeFile(join(work, path), source);
    }
    await writeFile(join(work, 'ordered.json'), await numbersOrdered());
    const complain = async (options: readonly string[]): Promise<Complaint[]> => {
      const { code, stdout, stderr } = await opa.run(
        [
          'check',
          ...[
            '--strict',
            '--max-errors',
            '100',
            '--format',
            'json',
            '--schema',
            'schemas',
            ...options,
            'types.rego',
          ],
          ...policies.keys(),
        ],
        { cwd: work },
      );
      return code === 0 ? [] : complaints.parse(JSON.parse(stdout || stderr)).errors;
    };
    const errors = await complain(['--capabilities', 'ordered.json']);
    // Texts and the like may be ordered; where they are, opa loses track of what else is wrong there.
    const isSecond = errors.some((error) => isOrder(error) && !isMixed(error));
    const others = isSecond ? await complain([]) : errors.filter((error) => !isOrder(error));
    // What else is wrong with a policy was found before; of its own schemas we know nothing.
    return [...errors.filter((error) => isOrder(error) && isMixed(error)), ...others]
      .filter((error) => !error.message.startsWith('undefined schema') && !isOptional(error))
      .map(problemOf);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

const kinds = ['string', 'number', 'boolean', 'array', 'object'];

/**
 * What opa's types can hold of a JSON Schema, references followed: kinds, members, items, constants. What it cannot tell
 * is anything. `root` is the schema that references lead into; they must not lead back to themselves.
 */
function plainSchema(schema: unknown, root: unknown): unknown {
  if (!isMapping(schema)) return {};
  if (typeof schema.$ref === 'string') return plainSchema(valueAt(root, referenceKeys(schema.$ref)), root);
  if (['allOf', 'anyOf', 'oneOf', 'if', 'not'].some((keyword) => keyword in schema)) return {};
  const values = 'const' in schema ? [schema.const] : listOf(schema.enum);
  if (values.length > 0 && values.every((value) => typeof value === 'string')) return { enum: values };
  const type = schema.type === 'integer' ? 'number' : schema.type;
  if (typeof type !== 'string' || !kinds.includes(type)) return {};
  if (type === 'array')
    return 'prefixItems' in schema || Array.isArray(schema.items)
      ? { type }
      : { type, items: plainSchema(schema.items, root) };
  if (type !== 'object') return { type };
  const isOpen = 'patternProperties' in schema || schema.unevaluatedProperties !== undefined;
  return {
    type,
    properties: isMapping(schema.properties) ? members(schema.properties, root) : {},
    additionalProperties:
      schema.additionalProperties === false && !isOpen
        ? false
        : isOpen
          ? {}
          : plainSchema(schema.additionalProperties, root),
  };
}

const members = (properties: Node, root: unknown) =>
  Object.fromEntries(Object.entries(properties).map(([name, inner]) => [name, plainSchema(inner, root)]));
