import { z } from 'zod';
import { fold, principal as principalName } from '../../bundle/grants/names.ts';
import type { Stated } from '../decision/decision.ts';
import { Refusal } from '../http/refusal.ts';

// OpenID AuthZEN Authorization API 1.0, sections 5 to 7. Keys we do not know are passed over, as it says.
const deepest = 16;
const properties = z
  .record(z.string(), z.unknown())
  .refine((all) => isShallow(all, deepest), { error: `must not be nested deeper than ${deepest}` })
  .optional();
const entity = z.object({ type: z.string().min(1), id: z.string().min(1), properties });
const instant = z
  .string()
  .regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d)$/, {
    error: 'must be an instant like 2026-03-01T09:00:00Z',
  })
  .refine((value) => !Number.isNaN(Date.parse(value)), { error: 'must be an instant that exists' })
  .transform((value) => Math.floor(Date.parse(value) / 1000));
const context = z
  .looseObject({
    networks: z.array(z.string()).optional(),
    mfa: z.boolean().optional(),
    time: instant.optional(),
    /** What a request would have; facts are read from it. */
    headers: z.record(z.string(), z.unknown()).optional(),
  })
  .refine((all) => isShallow(all, deepest), { error: `must not be nested deeper than ${deepest}` });
const evaluation = z.object({
  subject: entity,
  action: z.object({ name: z.string().min(1), properties }),
  resource: entity,
  context: context.optional(),
});

/** What an application says of the call that it asks about. */
export type Circumstances = {
  networks: readonly string[];
  mfa: boolean;
  /** Whole seconds since 1970; null: now. */
  time: number | null;
  /** The resource's properties are its path parameters, the subject's its claims; facts are read from all of them. */
  stated: Stated;
};

/** One question in our terms. */
export type Evaluation = Circumstances & {
  /** `user:LOGIN` or `service:NAME`; null when it can be neither. */
  subject: string | null;
  /** Null when the resource is none. */
  api: string | null;
  /** Which of the API's objects, as its paths name it; null for the API itself. */
  object: string | null;
  operation: string;
};

export type Semantic = 'execute_all' | 'deny_on_first_deny' | 'permit_on_first_permit';

const mostEvaluations = 200;
const batch = z.object({
  evaluations: z.array(z.record(z.string(), z.unknown())).max(mostEvaluations),
  options: z
    .object({
      evaluations_semantic: z
        .enum(['execute_all', 'deny_on_first_deny', 'permit_on_first_permit'])
        .default('execute_all'),
    })
    .default({ evaluations_semantic: 'execute_all' }),
});

/** Reads one evaluation request. Throws Refusal 400. */
export function readEvaluation(value: unknown): Evaluation {
  const { subject, action, resource, context: given } = parse(evaluation, value);
  return {
    subject: subjectOf(subject),
    ...resourceOf(resource),
    operation: action.name,
    ...circumstancesOf(given, subject, resource, action),
  };
}

const isCaller = (type: string): boolean => type === 'user' || type === 'service';

type Entity = { type: string; id?: string | undefined; properties?: Properties };
type Properties = Readonly<Record<string, unknown>> | undefined;

function subjectOf({ type, id }: Entity): string | null {
  const named = principalName.safeParse(`${type}:${id}`);
  return id !== undefined && isCaller(type) && named.success ? fold(named.data) : null;
}

/** An API by the type `api`, or an object by its API's name. */
const resourceOf = ({ type, id }: Entity): Pick<Evaluation, 'api' | 'object'> =>
  type === 'api' ? { api: id ?? null, object: null } : { api: type, object: id ?? null };

const circumstancesOf = (
  given: z.output<typeof context> | undefined,
  subject: Entity,
  resource: Entity,
  action: { properties?: Properties } | undefined,
): Circumstances => ({
  networks: given?.networks ?? [],
  mfa: given?.mfa ?? false,
  time: given?.time ?? null,
  stated: {
    params: textsOf(resource.properties),
    claims: textsOf(subject.properties),
    properties: {
      subject: subject.properties ?? {},
      resource: resource.properties ?? {},
      action: action?.properties ?? {},
      context: given ?? {},
    },
  },
});

// What is searched for has a type; an id beside it does not count, whatever it is.
const wanted = entity.omit({ id: true });
const page = z.object({
  token: z.string().max(4096).optional(),
  limit: z.int().min(0).optional(),
  properties,
});
const { action } = evaluation.shape;
const search = z.object({ context: context.optional(), page: page.optional() });
const searches = {
  subject: search.extend({ subject: wanted, action, resource: entity }),
  resource: search.extend({ subject: entity, action, resource: wanted }),
  action: search.extend({ subject: entity, action: action.optional(), resource: entity }),
};

export type SearchKind = keyof typeof searches;

/** An evaluation of which one part is searched for: null, as is a part that nothing can be found for. */
export type Search = Circumstances & {
  kind: SearchKind;
  subject: string | null;
  api: string | null;
  object: string | null;
  operation: string | null;
  /** The type of what is searched for: `user`, `service`, `api`, an API's name, or one that nothing here has. */
  type: string;
  page: z.output<typeof page> | null;
};

/** Reads one search request (section 8). Throws Refusal 400. */
export function readSearch(kind: SearchKind, value: unknown): Search {
  const given: {
    subject: Entity;
    action?: { name: string; properties?: Properties } | undefined;
    resource: Entity;
    context?: z.output<typeof context> | undefined;
    page?: z.output<typeof page> | undefined;
  } = parse(searches[kind], value);
  return {
    kind,
    subject: subjectOf(given.subject),
    ...resourceOf(given.resource),
    operation: kind === 'action' ? null : (given.action?.name ?? null),
    type: kind === 'subject' ? given.subject.type : given.resource.type,
    page: given.page ?? null,
    ...circumstancesOf(given.context, given.subject, given.resource, given.action),
  };
}

/** Whether a value is nested no deeper than that; whoever walks one on its own stack may run out of it. */
function isShallow(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return true;
  return depth > 0 && Object.values(value).every((one) => isShallow(one, depth - 1));
}

/** Those of its properties that are texts: what is compared is compared exactly, so nothing is made a text here. */
const textsOf = (all: Properties = {}): ReadonlyMap<string, string> =>
  new Map(Object.entries(all).filter((one): one is [string, string] => one.every(isText)));
const isText = (value: unknown) => typeof value === 'string' && value.isWellFormed();

/**
 * Reads a request with several evaluations, each completed by the request's own subject, action, resource and context.
 * Null when it holds none: then it is one evaluation. Throws Refusal 400 for what concerns all of them.
 */
export function readEvaluations(value: unknown): { items: unknown[]; semantic: Semantic } | null {
  const whole = parse(z.record(z.string(), z.unknown()), value);
  const { evaluations } = whole;
  if (evaluations === undefined || (Array.isArray(evaluations) && evaluations.length === 0)) return null;
  const { evaluations: items, options } = parse(batch, value);
  const { subject, action, resource, context: shared } = whole;
  return {
    items: items.map((item) => ({ subject, action, resource, context: shared, ...item })),
    semantic: options.evaluations_semantic,
  };
}

function parse<T extends z.ZodType>(schema: T, value: unknown): z.output<T> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  // Where, and what was expected; nothing of what was sent.
  const [issue] = result.error.issues;
  const place = issue?.path.join('.') ?? '';
  throw new Refusal(400, 'evaluation-malformed', `${place === '' ? 'The body' : place}: ${issue?.message}`);
}
