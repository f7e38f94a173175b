import type { IncomingMessage, ServerResponse } from 'node:http';
import { fold } from '../../bundle/grants/names.ts';
import type { Enforcement } from '../decision/enforcement.ts';
import { sendJson, sendProblem } from '../http/answer.ts';
import { readBody } from '../http/body.ts';
import { Refusal } from '../http/refusal.ts';
import type { Authenticate } from '../identity/authenticate.ts';
import { readEvaluation, readEvaluations, readSearch, type SearchKind } from './authzenRequest.ts';
import { createEvaluate, type EvaluateOptions } from './evaluate.ts';
import { createSearch } from './search.ts';

type Options = EvaluateOptions & {
  enforcement: () => Enforcement | null;
  authenticate: Authenticate;
  /** `service:NAME` of those who may ask, and of those who may search. */
  callers: readonly string[];
  searchers: readonly string[];
};

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
  const { enforcement, authenticate, onOutcome, onFailure } = options;
  const asking = { ask: new Set(options.callers.map(fold)), search: new Set(options.searchers.map(fold)) };
  const search = createSearch(options.now);
  const evaluate = createEvaluate(options);

  const assertCaller = async (request: IncomingMessage, by: Enforcement, callers: ReadonlySet<string>) => {
    const { url = '' } = request;
    const query = url.includes('?') ? url.slice(url.indexOf('?')) : '';
    const { subject } = await authenticate(request, query, by.snapshot, null);
    if (!callers.has(subject) || by.principal(subject)?.active !== true)
      throw new Refusal(403, 'caller-not-allowed', 'The caller may not ask this.');
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
    if (several === null) return evaluate.one(by, readEvaluation(body));
    return { evaluations: await evaluate.all(by, several.items, several.semantic) };
  };

  return async (request: IncomingMessage, response: ServerResponse, endpoint: Endpoint): Promise<void> => {
    const requestId = request.headers['x-request-id'];
    if (requestId !== undefined) response.setHeader('x-request-id', requestId);
    try {
      sendJson(response, 200, await answer(request, endpoint));
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
  sendJson(response, 200, {
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
