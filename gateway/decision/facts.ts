import { anonymous } from '../../bundle/data/anonymous.ts';
import { canonicalJson } from '../../bundle/format/canonicalJson.ts';
import { sha256 } from '../../bundle/format/digest.ts';
import { isMapping } from '../../bundle/format/isMapping.ts';
import { parameterIn, parametersOf } from '../../bundle/openapi/parameters.ts';
import { nominated } from '../http/nominated.ts';
import { spelledAlike } from '../http/spelledAlike.ts';
import { claimAt } from '../identity/tokenClaims.ts';
import type { ApiEntry, FactEntry } from '../revision/snapshot.ts';
import type { Facts, Question, SentHeaders } from './decision.ts';
import type { FactValue, RecordedFacts } from './decisionInput.ts';
import { factOf, headerFact, malformed, type ReadFact, textFact } from './factValue.ts';

/**
 * Reads what a policy may know of a request besides. What is there but is not what the API says makes the facts faulty,
 * never absent: a rule that denies by a fact must not be slipped past by a value that it does not know.
 */
export type ReadFacts = (question: Question) => Facts;

const noFacts: Facts = { values: {}, fault: null, onRecord: null };

/** Null where no API names any: then they cost nothing. Else policies find an object at every API, though it be empty. */
export function createReadFacts(apis: ReadonlyMap<string, Pick<ApiEntry, 'facts'>>): ReadFacts | null {
  const known = new Map<string, readonly Declared[]>();
  for (const [api, { facts }] of apis) if (facts !== undefined) known.set(api, Object.entries(facts));
  if (known.size === 0) return null;
  return (question) => {
    const declared = known.get(question.route.api);
    return declared === undefined ? noFacts : factsOf(declared, question);
  };
}

type Declared = readonly [name: string, entry: FactEntry];

function factsOf(declared: readonly Declared[], question: Question): Facts {
  const values: [string, FactValue][] = [];
  const onRecord: [string, RecordedFacts[string]][] = [];
  let fault: string | null = null;
  for (const [name, entry] of declared) {
    const value = read(name, entry, question);
    if (value === malformed) {
      fault ??= name;
      onRecord.push([name, { malformed: true }]);
      continue;
    }
    if (value !== null) values.push([name, value]);
    if (entry.record === 'value' || (entry.record === 'digest' && value === null))
      onRecord.push([name, value]);
    else if (entry.record === 'digest') onRecord.push([name, { sha256: sha256(canonicalJson(value)) }]);
  }
  // Objects in which nothing stands but these, whatever their names.
  return {
    values: Object.fromEntries(values),
    fault,
    onRecord: onRecord.length === 0 ? null : Object.fromEntries(onRecord),
  };
}

function read(name: string, entry: FactEntry, question: Question): ReadFact {
  const { stated } = question;
  const statedFact = stated?.facts?.get(name);
  if (statedFact !== undefined)
    return entry.header !== undefined && typeof statedFact === 'string'
      ? headerFact(entry, statedFact)
      : factOf(entry, statedFact);
  if (entry.param !== undefined) return parameter(entry, entry.param, question);
  if (entry.claim !== undefined) return claim(entry, entry.claim, question);
  if (entry.header !== undefined) return header(entry, entry.header, question);
  const [part = '', ...names] = entry.property?.split('.') ?? [];
  const of = own(stated?.properties, part);
  return factOf(entry, isMapping(of) ? claimAt(of, names.join('.')) : undefined);
}

function parameter(entry: FactEntry, name: string, { route, path, stated }: Question): ReadFact {
  const value = path === undefined ? stated?.params.get(name) : parameterIn(route.template, path, name);
  if (value != null) return textFact(entry, value);
  if (!parametersOf(route.template).includes(name)) return null;
  // The path has one that not everybody would read alike.
  return path === undefined ? factOf(entry, own(stated?.properties?.resource, name)) : malformed;
}

function claim(entry: FactEntry, name: string, { identity, stated }: Question): ReadFact {
  const { proof, subject } = identity;
  // Who calls what is public is nobody, whatever came along.
  if (subject === anonymous) return null;
  if (proof === undefined) {
    const properties = stated?.properties?.subject;
    return factOf(entry, properties === undefined ? stated?.claims.get(name) : claimAt(properties, name));
  }
  if (proof.method !== 'jwt' && proof.method !== 'introspection') return null;
  return factOf(entry, claimAt(proof.payload, name));
}

function header(entry: FactEntry, name: string, { headers, stated }: Question): ReadFact {
  if (headers === undefined) return statedHeader(entry, name, own(stated?.properties?.context, 'headers'));
  if (entry.from !== 'caller' && headers.fromProxy?.() !== true) return null;
  const value = only(headers.rawHeaders, name);
  return typeof value === 'string' ? headerFact(entry, value) : value;
}

/** As an application says it, which may spell names as it likes, and must name each once. */
function statedHeader(entry: FactEntry, name: string, headers: unknown): ReadFact {
  const [value, ...others] = Object.entries(headers ?? {}).filter(([one]) => one.toLowerCase() === name);
  if (value === undefined || value[1] === null) return others.length > 0 ? malformed : null;
  return others.length === 0 && typeof value[1] === 'string' ? headerFact(entry, value[1]) : malformed;
}

/**
 * The value of a header that came once, under its very name; null where none did. What the API would not get as it is
 * read here, is no absence: one that `Connection` takes away, and another spelling, which may be the same to the API.
 */
function only(rawHeaders: SentHeaders['rawHeaders'], name: string): string | null | typeof malformed {
  let value: string | null = null;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const sent = rawHeaders[index];
    if (sent === undefined || sent.length !== name.length || spelledAlike(sent) !== name) continue;
    if (value !== null || sent.toLowerCase() !== name) return malformed;
    value = rawHeaders[index + 1] ?? '';
  }
  return value !== null && nominated(rawHeaders).has(name) ? malformed : value;
}

const own = (value: unknown, name: string): unknown =>
  isMapping(value) && Object.hasOwn(value, name) ? value[name] : undefined;

/** Whether two requests have the same facts. */
export function sameFacts(one: Facts['values'] | undefined, other: Facts['values'] | undefined): boolean {
  if (one === other) return true;
  if (one === undefined || other === undefined) return false;
  const names = Object.keys(one);
  return (
    names.length === Object.keys(other).length &&
    names.every((name) => Object.hasOwn(other, name) && sameValue(one[name], other[name]))
  );
}

function sameValue(one: FactValue | undefined, other: FactValue | undefined): boolean {
  if (typeof one !== 'object' || typeof other !== 'object') return one === other;
  return one.length === other.length && one.every((item, at) => item === other[at]);
}
