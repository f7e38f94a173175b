import type { IncomingMessage, ServerResponse } from 'node:http';
import { fold } from '../../bundle/grants/names.ts';
import type { AllowedCall } from '../decision/admission.ts';
import type { Enforcement } from '../decision/enforcement.ts';
import type { Outcome } from '../decision/outcome.ts';
import { sendProblem } from '../http/answer.ts';
import { readBody } from '../http/body.ts';
import { Refusal } from '../http/refusal.ts';
import type { Authenticate } from '../identity/authenticate.ts';
import { createDecisionIds } from '../record/decisionIds.ts';
import { createRecordOf } from '../record/recordOf.ts';
import type { RecordWriter } from '../record/recordWriter.ts';
import {
  type Evaluation,
  readEvaluation,
  readEvaluations,
  readSearch,
  type SearchKind,
  type Semantic,
} from './authzenRequest.ts';
import { questionOf } from './question.ts';
import { createSearch } from './search.ts';

type Options = {
  enforcement: () => Enforcement | null;
  authenticate: Authenticate;
  /** `service:NAME` of those who may ask, and of those who may search. */
  callers: readonly string[];
  searchers: readonly string[];
  writer: Pick<RecordWriter, 'write'>;
  /** Milliseconds since 1970. */
  now: () => number;
  onAllowed?: (call: AllowedCall) => void;
  onOutcome: (outcome: Outcome) => void;
  onFailure: (error: unknown, decisionId: string | null) => void;
};

/** What AuthZEN calls an Access Evaluation Response. */
type Answer = { decision: boolean; context: Record<string, unknown> };

const largestBody = 256 * 1024;
const paths = {
  evaluation: '/access/v1/evaluation',
  evaluations: '/access/v1/evaluations',
  subject: '/access/v1/search/subject',
  resource: '/access/v1/search/resource',
  action: '/access/v1/search/action',
} as const;
type Endpoint = keyof typeof paths;

/** The endpoint at a path; null when it is none, or nobody may search. */
export function endpointAt(path: string, canSearch: boolean): Endpoint | null {
  const found = (Object.keys(paths) as Endpoint[]).find((endpoint) => paths[endpoint] === path) ?? null;
  return found === null || (isSearch(found) && !canSearch) ? null : found;
}

const isSearch = (endpoint: Endpoint): endpoint is SearchKind =>
  endpoint !== 'evaluation' && endpoint !== 'evaluations';

/**
 * Answers applications that ask in code, as the OpenID AuthZEN Authorization API 1.0 says. Only known services may
 * ask: they say who is calling from where, and are believed. Each decision is on record before it is told.
 */
export function createAuthzen(options: Options) {
  const { enforcement, authenticate, writer, now, onAllowed, onOutcome, onFailure } = options;
  const asking = { ask: new Set(options.callers.map(fold)), search: new Set(options.searchers.map(fold)) };
  const search = createSearch(now);
  const nextId = createDecisionIds();
  const recordOf = createRecordOf();

  const assertCaller = async (request: IncomingMessage, by: Enforcement, callers: ReadonlySet<string>) => {
    const { url = '' } = request;
    const query = url.includes('?') ? url.slice(url.indexOf('?')) : '';
    const { subject } = await authenticate(request, query, by.snapshot, null);
    if (!callers.has(subject) || by.principal(subject)?.active !== true)
      throw new Refusal(403, 'caller-not-allowed', 'The caller may not ask this.');
  };

  const evaluate = async (by: Enforcement, asked: Evaluation): Promise<Answer> => {
    const atMs = now();
    const question = questionOf(by.snapshot, asked, atMs);
    // Not even a name: nothing that could be asked or recorded.
    if (typeof question === 'string') return { decision: false, context: { reason: question } };
    const { identity, route, stated = asked.stated } = question;
    const id = nextId(atMs);
    const decision = by.decide(question);
    if (decision.failure !== null) onFailure(decision.failure, id);
    const record = recordOf({ id, decision, enforcement: by, identity, route, stated }, atMs, 200);
    const { api, operation } = route;
    const { allow, reason } = decision.result;
    const failure = await new Promise<Error | null>((done) => writer.write(record, done));
    if (failure !== null) {
      onFailure(failure, id);
      onOutcome({ api, operation, outcome: 'broken', reason: 'record-unwritable', decision });
      throw new Refusal(503, 'record-unwritable', 'The decision could not be recorded.', {
        'retry-after': '5',
      });
    }
    const regressed = record.regressed !== undefined;
    if (allow) {
      // Of what was said besides, only the facts that were made of it.
      const { params, claims } = stated;
      const facts = new Map(Object.entries(decision.input.facts ?? {}));
      onAllowed?.({
        ...{ identity, route, address: null, networks: asked.networks },
        stated: { params, claims, facts },
      });
    }
    onOutcome({ api, operation, outcome: allow ? 'allowed' : 'denied', reason, decision, regressed });
    return { decision: allow, context: { reason, decision_id: id } };
  };

  /** One that cannot be read is denied in its place; the others are answered. */
  const evaluateItem = (by: Enforcement, item: unknown): Promise<Answer> => {
    try {
      return evaluate(by, readEvaluation(item));
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      const { status, code, message } = error;
      return Promise.resolve({ decision: false, context: { error: { status, code, message } } });
    }
  };

  const evaluateAll = async (by: Enforcement, items: readonly unknown[], semantic: Semantic) => {
    // All at once, so that their records go down in one write.
    if (semantic === 'execute_all') return Promise.all(items.map((item) => evaluateItem(by, item)));
    const last = semantic === 'permit_on_first_permit';
    const answers: Answer[] = [];
    for (const item of items) {
      const answer = await evaluateItem(by, item);
      answers.push(answer);
      if (answer.decision === last) break;
    }
    return answers;
  };

  const answer = async (request: IncomingMessage, endpoint: Endpoint): Promise<unknown> => {
    if (request.method !== 'POST')
      throw new Refusal(405, 'method-not-allowed', 'Questions are posted.', { allow: 'POST' });
    const by = enforcement();
    if (by === null)
      throw new Refusal(503, 'no-bundle', 'No access policy is loaded yet.', { 'retry-after': '5' });
    await assertCaller(request, by, isSearch(endpoint) ? asking.search : asking.ask);
    const body = await readJson(request);
    if (isSearch(endpoint)) return search(by.snapshot, readSearch(endpoint, body));
    const several = endpoint === 'evaluations' ? readEvaluations(body) : null;
    if (several === null) return evaluate(by, readEvaluation(body));
    return { evaluations: await evaluateAll(by, several.items, several.semantic) };
  };

  return async (request: IncomingMessage, response: ServerResponse, endpoint: Endpoint): Promise<void> => {
    const requestId = request.headers['x-request-id'];
    if (requestId !== undefined) response.setHeader('x-request-id', requestId);
    try {
      sendJson(response, await answer(request, endpoint));
    } catch (error) {
      if (!(error instanceof Refusal)) onFailure(error, null);
      const refusal =
        error instanceof Refusal ? error : new Refusal(500, 'internal-error', 'The request failed.');
      if (refusal.code !== 'record-unwritable') {
        const outcome = refusal.status >= 500 ? 'broken' : 'refused';
        onOutcome({ api: '', operation: '', outcome, reason: refusal.code });
      }
      sendProblem(request, response, refusal, null);
    }
  };
}

/** The metadata document, for a decision point that is reached at `url`. */
export function sendConfiguration(response: ServerResponse, url: string, canSearch: boolean): void {
  sendJson(response, {
    policy_decision_point: url,
    access_evaluation_endpoint: url + paths.evaluation,
    access_evaluations_endpoint: url + paths.evaluations,
    ...(canSearch && {
      search_subject_endpoint: url + paths.subject,
      search_resource_endpoint: url + paths.resource,
      search_action_endpoint: url + paths.action,
    }),
  });
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const type = request.headers['content-type'] ?? '';
  if (!/^application\/json(?: *;|$)/i.test(type))
    throw new Refusal(400, 'evaluation-malformed', 'The content type must be application/json.');
  const body = await readBody(request, largestBody);
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch {
    throw new Refusal(400, 'evaluation-malformed', 'The body must be JSON.');
  }
}

function sendJson(response: ServerResponse, value: unknown): void {
  if (response.destroyed) return;
  response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  response.end(JSON.stringify(value));
}
