// ajv's edges, kept behind this file: it compiles a schema to code, so what it is given has been looked through by
// readSchema; its own regular expressions backtrack; formats are notes to readers, as draft 2020-12 has it.

import { createRequire } from 'node:module';
import type { ErrorObject } from 'ajv';
import { isMapping } from '../format/isMapping.ts';
import { pointerKeys } from '../yaml/jsonPointer.ts';
import { linearPattern } from './linearPattern.ts';

/** What is wrong with a value, and where: all of it, or the first only. Nothing where it keeps to the schema. */
export type Validate = (value: unknown, all: boolean) => readonly Fault[];
export type Fault = {
  /** The keys that lead to the value; none of the whole. */
  path: readonly string[];
  /** What ends a sentence that begins with the value: `must be text`. */
  message: string;
  /** A key in what is at the path, of which that is said; `unknown`: it must not be there, of which `known` must or may. */
  key?: string;
  unknown: boolean;
  known: readonly string[];
};

const regExp = Object.assign(
  (pattern: string) => {
    const { test } = linearPattern(pattern);
    return { test, toString: () => JSON.stringify(pattern) };
  },
  { code: 'linearPattern' },
);

/** In place of ajv's, which compares each with each. */
const uniqueItems = {
  keyword: 'uniqueItems',
  type: 'array' as const,
  schemaType: 'boolean' as const,
  validate: (wanted: boolean, items: unknown[]) =>
    !wanted || new Set(items.map((item) => JSON.stringify(sorted(item)))).size === items.length,
  error: { message: 'must not hold one twice' },
};

/** The same with its keys in order. */
function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(sorted);
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return entries.map(([key, inner]) => [key, sorted(inner)]).concat([['{}']]);
}

const require = createRequire(import.meta.url);

/** Loaded with the first schema: most repositories have none, and every start would pay for its hundred modules. */
const load = {
  draft7: () => (require('ajv') as typeof import('ajv')).Ajv,
  draft2020: () => (require('ajv/dist/2020.js') as typeof import('ajv/dist/2020.js')).Ajv2020,
};

type Draft = keyof typeof load;

const open = (draft: Draft, more: { allErrors: boolean; validateSchema?: boolean }) => {
  const options = {
    verbose: true,
    code: { regExp },
    validateFormats: false,
    ownProperties: true,
    logger: false as const,
    strict: true,
    strictTypes: false,
    strictTuples: false,
    strictRequired: false,
    allowUnionTypes: true,
    ...more,
  };
  return new (load[draft]())(options).removeKeyword('uniqueItems').addKeyword(uniqueItems);
};

/** Knows what a schema of its draft is, and no schema. Made once: that takes a hundred times as long as a schema does. */
const judgeOf = (draft: Draft) => {
  let judge: ReturnType<typeof open> | null = null;
  return () => {
    judge ??= open(draft, { allErrors: false });
    return judge;
  };
};
const judges = { draft7: judgeOf('draft7'), draft2020: judgeOf('draft2020') };

/** Throws what ajv has to say of a schema that is none. */
export function compileSchema(schema: { readonly [keyword: string]: unknown }): Validate {
  const draft = String(schema.$schema ?? '').includes('draft-07') ? 'draft7' : 'draft2020';
  judges[draft]().validateSchema(schema, true);
  // Each in a compiler of its own: no schema may name another.
  const compile = (allErrors: boolean) => open(draft, { allErrors, validateSchema: false }).compile(schema);
  const first = compile(false);
  // Mostly nothing is wrong, and then this one is never made.
  let every: ReturnType<typeof compile> | null = null;
  return (value, all) => {
    if (all) every ??= compile(true);
    const validate = all && every !== null ? every : first;
    if (validate(value)) return [];
    // What is wrong with a name is told of by itself, too.
    const errors = (validate.errors ?? []).filter(({ keyword }) => keyword !== 'propertyNames');
    return errors.map(faultOf);
  };
}

function faultOf(error: ErrorObject): Fault {
  const { instancePath, keyword, message = 'is not valid', params, parentSchema, propertyName } = error;
  const { additionalProperty, unevaluatedProperty, missingProperty, allowedValues, allowedValue } = params;
  const key: unknown = additionalProperty ?? unevaluatedProperty;
  const values: unknown = allowedValues ?? (keyword === 'const' ? [allowedValue] : undefined);
  const properties: unknown = parentSchema?.properties;
  const about = typeof key === 'string' ? key : propertyName;
  return {
    path: pointerKeys(instancePath),
    message: Array.isArray(values)
      ? `must be ${choices(values)}`
      : typeof missingProperty === 'string'
        ? `must have ${JSON.stringify(missingProperty)}`
        : message,
    ...(about !== undefined && { key: about }),
    unknown: typeof key === 'string',
    known: isMapping(properties) ? Object.keys(properties) : [],
  };
}

const mostShown = 20;

/** The values that there are to choose from, so many of them. */
const choices = (values: readonly unknown[]): string =>
  [
    ...values.slice(0, mostShown).map((one) => JSON.stringify(one).slice(0, 200)),
    ...(values.length > mostShown ? [`one of ${values.length - mostShown} others`] : []),
  ].join(' or ');
