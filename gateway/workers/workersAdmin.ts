import {
  request as ask,
  createServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import { isMapping } from '../../bundle/format/isMapping.ts';
import { refuse, sendJson } from '../http/answer.ts';
import { readBody } from '../http/body.ts';
import { Refusal } from '../http/refusal.ts';
import { followWorkers } from './followWorkers.ts';

/** A worker that serves: where its own admin listener is, and which revision it enforces. */
export type ServingWorker = { instance: string; socket: string; counter: number };

type Options = {
  workers: () => ServingWorker[];
  /** Whether every worker serves by a bundle. */
  allServe: () => boolean;
  metrics: () => Promise<{ contentType: string; text: string }>;
  onFailure: (error: unknown) => void;
};

type Answer = { worker: ServingWorker; status: number; headers: Record<string, string>; body: Buffer };

/** GitHub never delivers more. */
const largestBody = 25 * 1024 * 1024;
const passedOn = ['content-type', 'cache-control', 'www-authenticate', 'retry-after'];

/**
 * The listener for operators over several workers: each of them answers, and the answers are made one. What is told
 * of the revision is told of the worker that is furthest behind.
 */
export function createWorkersAdmin({ workers, allServe, metrics, onFailure }: Options): Server {
  // One that is replaced later is missed by nobody: the others serve meanwhile.
  let begun = false;
  const merges: Record<string, (answers: Answer[]) => Answer> = {
    'GET /health/ready': (answers) => {
      begun ||= allServe();
      return begun ? allReady(answers) : starting(allReady(answers));
    },
    'GET /revision': (answers) => furthestBehind(slowestFirst(worstFirst(answers))),
    'GET /usage': (answers) => joined(worstFirst(answers), 'day'),
    'GET /decisions': (answers) => joined(worstFirst(answers), 'timestamp'),
    'POST /reload': (answers) => anyChanged(furthestBehind(worstFirst(answers)), answers),
  };

  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    try {
      const path = (request.url ?? '/').split('?', 1)[0];
      const name = `${request.method === 'HEAD' ? 'GET' : request.method} ${path}`;
      const serving = workers();
      const [first] = serving;
      // Workers that wait for a bundle, or for room on a disk, are helped by no restart of this process, which looks after them.
      if (first === undefined && name === 'GET /health/live')
        return sendJson(response, 200, { status: 'ok' });
      if (first === undefined)
        throw new Refusal(503, 'no-worker', 'No worker serves at the moment.', { 'retry-after': '1' });
      if (name === 'GET /decisions' && request.method === 'GET' && /[?&]follow\b/.test(request.url ?? '')) {
        const refused = await followWorkers(
          serving.map(({ socket }) => socket),
          request,
          response,
        );
        if (refused !== null) response.writeHead(refused.status, kept(refused.headers)).end(refused.body);
        return;
      }
      const merge =
        merges[name] ??
        (name.startsWith('POST /webhooks/')
          ? (answers: Answer[]) => furthestBehind(worstFirst(answers))
          : undefined);
      const body = await readBody(request, largestBody);
      const asked = merge === undefined ? [first] : serving;
      const settled = await Promise.allSettled(asked.map((worker) => forwardTo(worker, request, body)));
      // A worker that has ended meanwhile is none; that is for those to say who remain.
      const answers = settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
      for (const one of settled) if (one.status === 'rejected') onFailure(one.reason);
      const [only] = answers;
      if (only === undefined)
        throw new Refusal(503, 'no-worker', 'No worker answered.', { 'retry-after': '1' });
      // Whoever may ask one worker may hear of all.
      if (name === 'GET /metrics' && only.status === 200) {
        const { contentType, text } = await metrics();
        response.writeHead(200, { 'content-type': contentType }).end(text);
        return;
      }
      const { status, headers, body: text } = merge === undefined ? only : merge(answers);
      response.writeHead(status, headers).end(text);
    } catch (error) {
      refuse(request, response, error, onFailure);
    }
  };
  return createServer(
    { requestTimeout: 10_000, headersTimeout: 10_000 },
    (request, response) => void answer(request, response),
  );
}

function forwardTo(
  worker: ServingWorker,
  { method, url, headers }: IncomingMessage,
  body: Buffer,
): Promise<Answer> {
  return new Promise((done, fail) => {
    const { connection: _, 'transfer-encoding': __, ...rest } = headers;
    const sent = ask({
      socketPath: worker.socket,
      method: method ?? 'GET',
      path: url ?? '/',
      headers: { ...rest, 'content-length': String(body.length) },
      agent: false,
    });
    sent.once('error', fail);
    sent.once('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.once('error', fail);
      response.once('end', () => {
        const status = response.statusCode ?? 502;
        done({ worker, status, headers: kept(response.headers), body: Buffer.concat(chunks) });
      });
    });
    sent.end(body);
  });
}

const kept = (headers: IncomingMessage['headers']): Record<string, string> =>
  Object.fromEntries(
    passedOn.flatMap((name) => {
      const value = headers[name];
      return typeof value === 'string' ? [[name, value]] : [];
    }),
  );

/** Only the answers with the worst status: one worker that is not ready, or refuses, speaks for all. */
function worstFirst(answers: readonly Answer[]): Answer[] {
  const worst = Math.max(...answers.map(({ status }) => status));
  return answers.filter(({ status }) => status === worst);
}

const furthestBehind = (answers: readonly Answer[]): Answer =>
  answers.reduce((least, one) => (one.worker.counter < least.worker.counter ? one : least));

/** Of workers that are equally far, the one that took longest speaks. */
const slowestFirst = (answers: readonly Answer[]): Answer[] => {
  const lag = (answer: Answer) => Number(jsonOf(answer)?.lag_ms ?? -1);
  return [...answers].sort((a, b) => lag(b) - lag(a));
};

function withJson(
  answer: Answer,
  change: (value: Record<string, unknown>) => Record<string, unknown>,
): Answer {
  const value = jsonOf(answer);
  return value === null ? answer : { ...answer, body: Buffer.from(`${JSON.stringify(change(value))}\n`) };
}

function jsonOf({ body }: Answer): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(body.toString());
    return isMapping(value) ? value : null;
  } catch {
    return null;
  }
}

const allReady = (answers: readonly Answer[]) => withWorkers(furthestBehind(worstFirst(answers)), answers);

/** Who serves alone, for some time, is not yet what was asked for. */
const starting = (answer: Answer) =>
  answer.status >= 300
    ? answer
    : { ...withJson(answer, (value) => ({ ...value, status: 'starting' })), status: 503 };

const withWorkers = (answer: Answer, answers: readonly Answer[]) =>
  withJson(answer, (value) => ({
    ...value,
    workers: answers.map((one) => {
      const { status, revision } = jsonOf(one) ?? {};
      return { instance: one.worker.instance, status, revision };
    }),
  }));

const anyChanged = (answer: Answer, answers: readonly Answer[]) =>
  answer.status >= 300
    ? answer
    : withJson(answer, (value) => ({
        ...value,
        changed: answers.some((one) => jsonOf(one)?.changed === true),
      }));

/** The lines of all, by day or instant. */
function joined(answers: readonly Answer[], key: 'day' | 'timestamp'): Answer {
  const answer = furthestBehind(answers);
  if (answer.status >= 300) return answer;
  const lines = answers.flatMap(({ body }) => body.toString().split('\n').filter(Boolean));
  const placeOf = (line: string) => String((JSON.parse(line) as { [name: string]: unknown })[key]);
  const sorted = lines
    .map((line) => [placeOf(line), line] as const)
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return { ...answer, body: Buffer.from(sorted.map(([, line]) => `${line}\n`).join('')) };
}
