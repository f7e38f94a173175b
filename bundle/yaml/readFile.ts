import type { z } from 'zod';
import type { Problem } from '../bundleError.ts';
import { isMapping } from '../format/isMapping.ts';
import { valueAt } from './jsonPointer.ts';
import { nearMiss } from './nearMiss.ts';
import { parseYaml, type YamlLimits } from './parseYaml.ts';
import { type Places, placesOf } from './places.ts';
import { problem, show } from './problem.ts';

/** One file, read by itself: nothing here knows of other files, so a result may be kept by the file's content. */
export type ReadFile<T> = {
  file: string;
  /** Undefined when the file has a problem. */
  value: T | undefined;
  places: Places;
  problems: Problem[];
};

/** Bytes to text. Throws nothing: bytes that are not UTF-8 are a problem. */
function decode(bytes: Buffer, file: string): string | Problem {
  try {
    // The mark stays in the text, so that offsets are those of the file.
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return problem(file, 'not-utf8', 'the file is not UTF-8 text');
  }
}

/** Reads a file's YAML, without a schema. */
export function readYaml(bytes: Buffer, file: string, limits?: YamlLimits): ReadFile<unknown> {
  const text = decode(bytes, file);
  if (typeof text !== 'string')
    return { file, value: undefined, places: placesOf('', file, { start: 0, end: 0 }), problems: [text] };
  return { file, ...parseYaml(text, file, limits) };
}

type Issue = z.core.$ZodIssue;

const kinds: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a mapping',
  record: 'a mapping',
};

/** What a value must be, where the schema says no words of its own. */
function expectation(issue: z.core.$ZodRawIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return `must be ${kinds[issue.expected] ?? issue.expected}`;
    case 'invalid_value':
      return `must be ${issue.values.map((value) => JSON.stringify(value)).join(' or ')}`;
    case 'too_small':
      return issue.origin === 'string' ? 'must not be empty' : `must be at least ${issue.minimum}`;
    case 'too_big':
      return issue.origin === 'string'
        ? `must be at most ${issue.maximum} characters long`
        : `must be at most ${issue.maximum}`;
    default:
      return 'must be valid';
  }
}

const dotted = (path: readonly PropertyKey[]) =>
  path.reduce<string>(
    (text, key) =>
      typeof key === 'number' ? `${text}[${key}]` : text === '' ? String(key) : `${text}.${String(key)}`,
    '',
  );

type Shape = {
  innerType?: { def: Shape };
  element?: { def: Shape };
  valueType?: { def: Shape };
  shape?: Record<PropertyKey, { def: Shape & { values?: readonly unknown[] } }>;
  options?: readonly { def: Shape }[];
  discriminator?: string;
};

/** The keys a schema knows at a path of a value; empty where it takes any. */
function knownKeys(schema: z.ZodType, path: readonly PropertyKey[], value: unknown): string[] {
  const bare = (def: Shape | undefined, at: number): Shape | undefined => {
    if (def?.innerType) return bare(def.innerType.def, at);
    const { discriminator, options } = def ?? {};
    if (discriminator === undefined) return def;
    // Of several forms, the one that the entry names itself.
    const tag = valueAt(value, [...path.slice(0, at), discriminator]);
    return options?.find(({ def: one }) => one.shape?.[discriminator]?.def.values?.includes(tag))?.def;
  };
  let def = bare(schema.def as unknown as Shape, 0);
  path.forEach((key, index) => {
    const inner = typeof key === 'number' ? def?.element : (def?.shape?.[key] ?? def?.valueType);
    def = bare(inner?.def, index + 1);
  });
  return Object.keys(def?.shape ?? {});
}

/** An item of a list reads better by its own name than by its number. */
function subject(value: unknown, path: readonly PropertyKey[]): string {
  const named = path.map((_, depth) => valueAt(value, path.slice(0, depth + 1)));
  for (let depth = path.length - 2; depth >= 0; depth--) {
    const item = named[depth];
    if (typeof path[depth] !== 'number' || typeof item !== 'object' || item === null) continue;
    for (const key of ['id', 'name', 'login', 'grant']) {
      const label = (item as Record<string, unknown>)[key];
      if (typeof label === 'string' && path[depth + 1] !== key)
        return `${JSON.stringify(dotted(path.slice(depth + 1)))} of ${show(label)}`;
    }
    return JSON.stringify(dotted(path.slice(depth + 1)));
  }
  if (path.length === 0) return 'the file';
  return path.length === 1 && typeof path[0] === 'number' ? 'this entry' : JSON.stringify(dotted(path));
}

function problemsOf(
  issue: Issue,
  value: unknown,
  { schema, places, hideValues }: { schema: z.ZodType; places: Places; hideValues: boolean },
): Problem[] {
  const path = issue.path;
  if (issue.code === 'unrecognized_keys') {
    const known = knownKeys(schema, path, value);
    const taken = Object.keys((valueAt(value, path) as object | undefined) ?? {});
    return issue.keys.map((key) =>
      problem(
        places.key([...path, key]) ?? places.nearest(path),
        'unknown-key',
        `unknown key ${JSON.stringify(key)}${nearMiss(
          key,
          known.filter((name) => !taken.includes(name)),
        )}${known.length > 0 ? `, expected one of ${known.join(', ')}` : ''}`,
      ),
    );
  }
  if (issue.code === 'invalid_key') {
    const what = issue.issues[0]?.message ?? 'must be a name';
    const at = places.key(path) ?? places.nearest(path);
    return [problem(at, 'invalid-key', `the key ${show(String(path.at(-1)))} ${what}`)];
  }
  const got = valueAt(value, path);
  const at = places.value(path) ?? places.nearest(path);
  if (issue.code === 'custom' && isMapping(got))
    return [
      problem(
        at,
        'invalid-value',
        `${typeof path.at(-1) === 'number' ? 'this entry' : subject(value, path)} ${issue.message}`,
      ),
    ];
  const quiet =
    issue.code === 'custom' ? hideValues || Array.isArray(got) : hideValues && (got ?? null) !== null;
  return [
    problem(
      at,
      got === undefined || got === null ? 'missing-value' : 'invalid-value',
      `${subject(value, path)} ${issue.message}${quiet ? '' : `, got ${show(got)}`}`,
    ),
  ];
}

type ReadOptions = {
  /** Stands in for a file that holds nothing but comments. */
  empty?: unknown;
  limits?: YamlLimits;
  /** Problems do not quote what was found: it may be a secret. */
  hideValues?: boolean;
  /** Reads what has a form of its own faster than YAML, to the same value; null for anything else. */
  shortcut?: (bytes: Buffer) => unknown;
};

/** Places that are looked for when they are needed first: mostly never. */
function placesWhenNeeded(make: () => Places): Places {
  let made: Places | null = null;
  const places = () => {
    made ??= make();
    return made;
  };
  return {
    value: (path) => places().value(path),
    key: (path) => places().key(path),
    nearest: (path) => places().nearest(path),
    at: (offset) => places().at(offset),
  };
}

/**
 * Reads a file and checks it against its schema.
 * Every problem of the file is reported at its place; the value is there only when there is none. `list` holds the
 * items of a file that is a list, as they are written.
 */
export function readChecked<T extends z.ZodType>(
  schema: T,
  bytes: Buffer,
  file: string,
  { empty, limits, hideValues = false, shortcut }: ReadOptions = {},
): ReadFile<z.output<T>> & { list: readonly unknown[] } {
  const quick = bytes.length > (limits?.bytes ?? 0) ? null : shortcut && schema.safeParse(shortcut(bytes));
  if (quick?.success) {
    const places = placesWhenNeeded(() => readYaml(bytes, file, limits).places);
    return { file, value: quick.data, places, problems: [], list: [] };
  }
  const { value, places, problems } = readYaml(bytes, file, limits);
  if (value === undefined) return { file, value: undefined, places, problems, list: [] };
  const given = value === null && empty !== undefined ? empty : value;
  const result = schema.safeParse(given, { error: expectation });
  const found = result.success
    ? []
    : result.error.issues.flatMap((issue) => problemsOf(issue, given, { schema, places, hideValues }));
  const all = [...problems, ...found];
  return {
    file,
    value: all.length === 0 && result.success ? result.data : undefined,
    places,
    problems: all,
    list: Array.isArray(given) ? given : [],
  };
}
