import type { IncomingMessage, ServerResponse } from 'node:http';
import { fold } from '../../bundle/grants/names.ts';
import type { AllowedCall } from '../decision/admission.ts';
import type { Enforcement } from '../decision/enforcement.ts';
import type { Outcome } from '../decision/outcome.ts';
import { sendProblem } from '../http/answer.ts';
import { readBody } from '../http/body.ts';
import { Refusal } from '../http/refusal.ts';
import type { Authenticate, Identity } from '../identity/authenticate.ts';
import { anybody, isPublic } from '../identity/identify.ts';
import { createDecisionIds } from '../record/decisionIds.ts';
import { createRecordOf } from '../record/recordOf.ts';
import type { RecordWriter } from '../record/recordWriter.ts';
import { routeOf } from '../request/route.ts';
import { type Evaluation, readEvaluation, readEvaluations, type Semantic } from './authzenRequest.ts';

type Options = {
  enforcement: () => Enforcement | null;
  authenticate: Authenticate;
  /** `service:NAME` of those who may ask. */
  callers: readonly string[];
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
export const evaluationPath = '/access/v1/evaluation';
export const evaluationsPath = '/access/v1/evaluations';

/**
 * Answers applications that ask in code, as the OpenID AuthZEN Authorization API 1.0 says. Only known services may
 * ask: they say who is calling from where, and are believed. Each decision is on record before it is told.
 */
export function createAuthzen(options: Options) {
  const { enforcement, authenticate, writer, now, onAllowed, onOutcome, onFailure } = options;
  const callers = new Set(options.callers.map(fold));
  const nextId = createDecisionIds();
  const recordOf = createRecordOf();

  const assertCaller = async (request: IncomingMessage, by: Enforcement) => {
    const { url = '' } = request;
    const query = url.includes('?') ? url.slice(url.indexOf('?')) : '';
    const { subject } = await authenticate(request, query, by.snapshot, null);
    if (!callers.has(subject) || by.principal(subject)?.active !== true)
      throw new Refusal(403, 'caller-not-allowed', 'The caller may not ask for decisions.');
  };

  const evaluate = async (by: Enforcement, asked: Evaluation): Promise<Answer> => {
    const route = asked.api === null ? null : routeOf(by.snapshot.apis, asked.api, asked.operation);
    if (route === null) return { decision: false, context: { reason: 'no-such-operation' } };
    const open = isPublic(by.snapshot, route.route);
    // Not even a name: nothing that could be asked or recorded.
    if (asked.subject === null && !open) return { decision: false, context: { reason: 'principal-unknown' } };
    const at = now();
    const id = nextId(at);
    // As at the gateway: who calls what is public is not asked.
    const identity: Identity =
      open || asked.subject === null
        ? anybody
        : { subject: asked.subject, groups: null, mfa: asked.mfa, expiresAt: null };
    const decision = by.decide({
      identity,
      route: route.route,
      method: route.method,
      networks: [...new Set(asked.networks)].filter((name) => by.snapshot.networks.has(name)).sort(),
      time: asked.time ?? Math.floor(at / 1000),
    });
    if (decision.failure !== null) onFailure(decision.failure, id);
    const record = recordOf({ id, decision, enforcement: by, identity, route: route.route }, at, 200);
    const { api, operation } = route.route;
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
    if (allow) onAllowed?.({ identity, route: route.route, address: null, networks: asked.networks });
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

  const answer = async (request: IncomingMessage, path: string): Promise<unknown> => {
    if (request.method !== 'POST')
      throw new Refusal(405, 'method-not-allowed', 'Questions are posted.', { allow: 'POST' });
    const by = enforcement();
    if (by === null)
      throw new Refusal(503, 'no-bundle', 'No access policy is loaded yet.', { 'retry-after': '5' });
    await assertCaller(request, by);
    const body = await readJson(request);
    const several = path === evaluationsPath ? readEvaluations(body) : null;
    if (several === null) return evaluate(by, readEvaluation(body));
    return { evaluations: await evaluateAll(by, several.items, several.semantic) };
  };

  return async (request: IncomingMessage, response: ServerResponse, path: string): Promise<void> => {
    const requestId = request.headers['x-request-id'];
    if (requestId !== undefined) response.setHeader('x-request-id', requestId);
    try {
      sendJson(response, await answer(request, path));
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
export function sendConfiguration(response: ServerResponse, url: string): void {
  sendJson(response, {
    policy_decision_point: url,
    access_evaluation_endpoint: `${url}${evaluationPath}`,
    access_evaluations_endpoint: `${url}${evaluationsPath}`,
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
