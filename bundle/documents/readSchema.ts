import type { Problem } from '../bundleError.ts';
import { isMapping } from '../format/isMapping.ts';
import { messageOf } from '../format/messageOf.ts';
import { referenceKeys, valueAt } from '../yaml/jsonPointer.ts';
import { nearMiss } from '../yaml/nearMiss.ts';
import { problem, show } from '../yaml/problem.ts';
import { readYaml } from '../yaml/readFile.ts';
import { compileSchema, type Validate } from './compileSchema.ts';
import { linearPattern } from './linearPattern.ts';

/** A schema that may be asked. `value` is the schema itself, without references to elsewhere and to itself. */
export type DocumentSchema = { file: string; value: Schema; validate: Validate };
export type Schema = boolean | { readonly [keyword: string]: unknown };

const dialects = ['https://json-schema.org/draft/2020-12/schema', 'http://json-schema.org/draft-07/schema'];

/** Keywords by what stands under them: a schema, a list of schemas (or one), schemas by name, or something else. */
const one = new Set(
  'additionalItems additionalProperties contains else if items not propertyNames then unevaluatedItems unevaluatedProperties'.split(
    ' ',
  ),
);
const several = new Set('allOf anyOf items oneOf prefixItems'.split(' '));
const named = new Set('$defs definitions dependentSchemas patternProperties properties'.split(' '));
const other = new Set(
  `$comment $id $ref $schema const default deprecated dependentRequired description enum examples exclusiveMaximum
  exclusiveMinimum format maxContains maxItems maxLength maxProperties maximum minContains minItems minLength minProperties
  minimum multipleOf pattern readOnly required title type uniqueItems writeOnly`.split(/\s+/),
);
const known = [...new Set([...one, ...several, ...named, ...other])];

export const mostSchemaBytes = 256 * 1024;
/** Each part of a schema counts as often as it is referred to: so many are asked of a value at most. */
const mostParts = 2000;
/** So many values are compared, and patterns tried, for each value of a document at most. */
const [mostValues, mostPatterns] = [1000, 50];

type Path = readonly PropertyKey[];

/**
 * Reads the JSON Schema of a document (draft 2020-12 or 07), JSON or YAML. Who proposes one is not trusted yet: it refers
 * to nothing outside of it and nowhere to itself, its patterns are matched in linear time, and a keyword that is not known
 * would check nothing, so it is refused.
 */
export function readSchema(
  bytes: Buffer,
  file: string,
): { schema: DocumentSchema | null; problems: Problem[] } {
  const { value, places, problems } = readYaml(bytes, file, { bytes: mostSchemaBytes, depth: 60 });
  const found = [...problems];
  const refuse = (path: Path, message: string, key = false) =>
    found.push(problem((key ? places.key(path) : undefined) ?? places.nearest(path), 'data-schema', message));

  let [parts, patterns] = [0, 0];
  const walk = (schema: unknown, path: Path, via: readonly string[]): void => {
    parts += 1;
    if (parts > mostParts || typeof schema === 'boolean') return;
    if (!isMapping(schema)) {
      refuse(path, `must be a schema: a mapping, true or false, got ${show(schema)}`);
      return;
    }
    for (const [keyword, inner] of Object.entries(schema)) {
      const at = [...path, keyword];
      if (keyword === '$ref') follow(inner, at, via);
      else if (keyword === 'pattern') assertPattern(inner, at);
      else if (keyword === 'enum' && Array.isArray(inner) && inner.length > mostValues)
        refuse(at, `must list ${mostValues} values at most, got ${inner.length}`);
      else if (keyword === '$id' && path.length > 0) refuse(at, '"$id" has a meaning at the top only', true);
      else if (one.has(keyword) && !(several.has(keyword) && Array.isArray(inner))) walk(inner, at, via);
      else if (several.has(keyword) && Array.isArray(inner))
        for (const [index, item] of inner.entries()) walk(item, [...at, index], via);
      else if (named.has(keyword) && isMapping(inner)) {
        // Definitions count where they are referred to.
        if (keyword === '$defs' || keyword === 'definitions') {
          const before = [parts, patterns] as const;
          for (const [name, item] of Object.entries(inner)) walk(item, [...at, name], via);
          [parts, patterns] = before;
          continue;
        }
        for (const [name, item] of Object.entries(inner)) {
          if (keyword === 'patternProperties') assertPattern(name, [...at, name], true);
          walk(item, [...at, name], via);
        }
      } else if (!known.includes(keyword))
        refuse(at, `unknown keyword ${show(keyword)}${nearMiss(keyword, known)}`, true);
    }
  };
  const follow = (reference: unknown, at: Path, via: readonly string[]) => {
    if (typeof reference !== 'string' || !/^#(?:\/|$)/.test(reference)) {
      refuse(
        at,
        `a reference must lead to a place in this file, like "#/$defs/name", got ${show(reference)}`,
      );
      return;
    }
    const path = referenceKeys(reference);
    const schema = valueAt(value, path);
    if (schema === undefined) refuse(at, `${show(reference)} leads nowhere`);
    else if (reference === '#' || via.includes(reference))
      refuse(at, `${show(reference)} leads back to itself, which has no end`);
    else walk(schema, path, [...via, reference]);
  };
  const assertPattern = (pattern: unknown, at: Path, key = false) => {
    patterns += 1;
    if (patterns > mostPatterns) {
      if (patterns === mostPatterns + 1)
        refuse(
          at,
          `a schema may have ${mostPatterns} patterns, those counted again that are referred to`,
          key,
        );
      return;
    }
    const fault = typeof pattern === 'string' ? linearPattern(pattern).fault : 'must be text';
    if (fault !== null) refuse(at, `the pattern ${show(pattern)} ${fault}`, key);
  };

  if (found.length === 0) {
    const dialect = isMapping(value) ? (value.$schema ?? dialects[0]) : undefined;
    if (dialect === undefined)
      refuse([], `must be a JSON Schema of the document, a mapping, got ${show(value)}`);
    else if (!dialects.includes(String(dialect).replace(/#$/, '')))
      refuse(['$schema'], `must be ${dialects.join(' or ')}, got ${show(dialect)}`);
    else walk(value, [], []);
    if (parts > mostParts)
      refuse([], `the schema has more than ${mostParts} parts, those counted again that are referred to`);
  }
  if (found.length > 0 || !isMapping(value)) return { schema: null, problems: unique(found) };
  try {
    return { schema: { file, value, validate: compileSchema(value) }, problems: [] };
  } catch (error) {
    const why = messageOf(error);
    refuse([], `is no valid JSON Schema: ${why.slice(0, 500)}`);
    return { schema: null, problems: found };
  }
}

/** What is referred to twice has its problems once. */
const unique = (problems: readonly Problem[]): Problem[] => {
  const seen = new Set<string>();
  return problems.filter((one) => {
    const text = JSON.stringify(one);
    return !seen.has(text) && seen.add(text);
  });
};
