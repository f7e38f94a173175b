import { z } from 'zod';
import { anonymous } from '../../bundle/data/anonymous.ts';
import { fold, principal } from '../../bundle/grants/names.ts';
import { apiName, operationName } from '../../bundle/grants/schema.ts';
import type { FactEntry, Snapshot } from '../revision/snapshot.ts';
import type { ExplainQuestion } from './explanation.ts';
import { ExplainError } from './matchOperation.ts';

const scalar = z.union([z.string(), z.number(), z.boolean()]);
const instant = z.iso.datetime({ offset: true, error: 'must be an instant like 2026-03-01T09:00:00Z' });

/** What people ask: the caller, the API, and an operation by its name or by a request. */
export const question = z.strictObject({
  subject: z.literal(anonymous).or(
    principal.refine((value) => !value.startsWith('group:'), {
      error: 'must be user:LOGIN or service:NAME',
    }),
  ),
  api: apiName,
  operation: operationName.optional(),
  method: z.string().min(1).max(20).optional(),
  path: z.string().min(1).max(8192).optional(),
  networks: z.array(z.string()).default([]),
  mfa: z.boolean().default(false),
  at: instant.optional(),
  params: z.record(z.string(), z.string()).default({}),
  claims: z.record(z.string(), z.string()).default({}),
  facts: z.record(z.string(), z.union([scalar, z.array(scalar)])).default({}),
});

export type Question = z.input<typeof question>;

/** Checks a question against a revision; `nowMs` stands in for a time that is not given. Throws ExplainError. */
export function readQuestion(value: unknown, snapshot: Snapshot, nowMs: number): ExplainQuestion {
  const result = question.safeParse(value);
  if (!result.success) {
    const [issue] = result.error.issues;
    const place = issue?.path.join('.') ?? '';
    throw new ExplainError(`${place === '' ? 'the question' : `"${place}"`}: ${issue?.message}`);
  }
  const { subject, api, operation, method, path, mfa, at, networks, params, claims, facts } = result.data;
  const unknown = networks.find((name) => !snapshot.networks.has(name));
  if (unknown !== undefined) {
    const known = [...snapshot.networks.keys()].sort().join(', ');
    throw new ExplainError(`there is no network "${unknown}"; there are ${known || 'none'}`);
  }
  if ((operation === undefined) === (path === undefined) || (method !== undefined && path === undefined))
    throw new ExplainError('name either the operation, or the method and the path');
  if (path !== undefined && Object.keys(params).length > 0)
    throw new ExplainError('path parameters stand in the path; name them where the operation is named');
  return {
    subject: fold(subject),
    api,
    call:
      operation === undefined ? { method: method?.toUpperCase() ?? 'GET', path: path ?? '' } : { operation },
    networks: [...new Set(networks)],
    mfa,
    time: Math.floor((at === undefined ? nowMs : Date.parse(at)) / 1000),
    stated: {
      params: new Map(Object.entries(params)),
      claims: new Map(Object.entries(claims)),
      facts: factsOf(facts, snapshot.apis.get(api)?.facts ?? {}, api, path !== undefined),
    },
  };
}

/** Facts by their names; what is written as text is taken for what the API says it is, as far as it can be. */
function factsOf(
  given: Readonly<Record<string, unknown>>,
  declared: Readonly<Record<string, FactEntry>>,
  api: string,
  hasPath: boolean,
): ReadonlyMap<string, unknown> {
  const names = Object.keys(declared).sort().join(', ');
  return new Map(
    Object.entries(given).map(([name, value]) => {
      const entry = Object.hasOwn(declared, name) ? declared[name] : undefined;
      if (entry === undefined)
        throw new ExplainError(`${api} names no fact "${name}"; it names ${names || 'none'}`);
      if (hasPath && entry.param !== undefined)
        throw new ExplainError(`the fact "${name}" is a path parameter, which stands in the path`);
      return [name, typeof value === 'string' ? typed(entry, value) : value];
    }),
  );
}

function typed({ type }: FactEntry, text: string): unknown {
  if (type === 'list') return text.split(',');
  if (type === 'boolean') return text === 'true' ? true : text === 'false' ? false : text;
  return type === 'number' && /^-?[0-9]+$/.test(text) ? Number(text) : text;
}
