import { z } from 'zod';
import { fold, principal as principalName } from '../../bundle/grants/names.ts';
import { Refusal } from '../http/refusal.ts';

// OpenID AuthZEN Authorization API 1.0, sections 5 to 7. Keys we do not know are passed over, as it says.
const properties = z.object({}).optional();
const entity = z.object({ type: z.string().min(1), id: z.string().min(1), properties });
const instant = z
  .string()
  .regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d)$/, {
    error: 'must be an instant like 2026-03-01T09:00:00Z',
  })
  .refine((value) => !Number.isNaN(Date.parse(value)), { error: 'must be an instant that exists' })
  .transform((value) => Math.floor(Date.parse(value) / 1000));
const context = z.object({
  networks: z.array(z.string()).optional(),
  mfa: z.boolean().optional(),
  time: instant.optional(),
});
const evaluation = z.object({
  subject: entity,
  action: z.object({ name: z.string().min(1), properties }),
  resource: entity,
  context: context.optional(),
});

/** One question in our terms. */
export type Evaluation = {
  /** `user:LOGIN` or `service:NAME`; null when it can be neither. */
  subject: string | null;
  /** Null when the resource is no API. */
  api: string | null;
  operation: string;
  networks: readonly string[];
  mfa: boolean;
  /** Whole seconds since 1970; null: now. */
  time: number | null;
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
  const named = principalName.safeParse(`${subject.type}:${subject.id}`);
  const caller = subject.type === 'user' || subject.type === 'service';
  return {
    subject: caller && named.success ? fold(named.data) : null,
    api: resource.type === 'api' ? resource.id : null,
    operation: action.name,
    networks: given?.networks ?? [],
    mfa: given?.mfa ?? false,
    time: given?.time ?? null,
  };
}

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
