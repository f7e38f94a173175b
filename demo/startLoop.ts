import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { Organisation } from '../bundle/grants/organisation.ts';
import { type Plan, type ReviewResult, review } from '../reviewer/review.ts';
import { writeWhole } from '../reviewer/writeWhole.ts';
import { type Forge, startForge } from './forge/startForge.ts';
import type { HistoryOptions } from './history.ts';
import { type Identity, startIdentity } from './identity.ts';
import { demoOrganisation } from './organisation.ts';
import { claimFolder } from './place/claimFolder.ts';
import { freePort } from './place/freePort.ts';
import { ready, serveGateway } from './place/serveGateway.ts';
import { writeRepository } from './place/writeRepository.ts';
import { writeTokens } from './place/writeTokens.ts';
import { startUpstream, type Upstream } from './upstream.ts';

/** Everything the demo runs, and how to reach it. */
export type Loop = {
  gateway: string;
  admin: string;
  forge: Forge;
  issuer: string;
  upstreams: ReadonlyMap<string, Upstream>;
  /** The bare repository on disk. */
  repository: string;
  folder: string;
  organisation: Organisation;
  /** LOGIN (or service name) → a token that is good for a day. */
  tokens: Readonly<Record<string, string>>;
  /** The one service that speaks no OAuth; its API key is among the tokens on disk. */
  apiKeyOf: string;
  pulls: readonly DemoPull[];
  /** The plan of the review that opened them. */
  plan: Plan;
  /** Runs the reviewer with --apply, as the scheduled workflow does. */
  review: () => Promise<ReviewResult>;
  close: () => Promise<void>;
};

export type DemoPull = { number: number; url: string; title: string; grants: readonly string[] };

/** Where things are at each start, when nobody else is there. */
const ports = { forge: 8090, identity: 8091 };

const audience = 'https://api.northwind.example';
const tokenSeconds = 86_400;
const apis = [
  'catalog',
  'customers',
  'inventory',
  'orders',
  'payments',
  'people',
  'reports',
  'tracking',
] as const;
const services = ['invoicer', 'price-watch', 'storefront'];
const keyHolder = 'shipping-bridge';

type Options = {
  folder: string;
  /** The gateway's; null for the usual one, or a free one where that is taken. */
  port: number | null;
  now: () => number;
  progress: (line: string) => void;
  signal: AbortSignal;
};

/**
 * Starts the loop in `folder`, which it makes anew. Whatever was started is closed again when a later part fails or
 * `signal` aborts on the way. Writes `state.json` last: it is there when everything is up.
 */
export async function startLoop({ folder, port, now, progress, signal }: Options): Promise<Loop> {
  const release = claimFolder(folder);
  const started: (() => Promise<unknown> | unknown)[] = [release];
  const close = async () => {
    for (const stop of started.splice(0).reverse()) await stop();
  };
  try {
    return await start({ folder, port, now, progress, signal }, started, close);
  } catch (error) {
    await close();
    throw error;
  }
}

type Started = (() => Promise<unknown> | unknown)[];

async function start(
  { folder, port, now, progress, signal }: Options,
  started: Started,
  close: () => Promise<void>,
): Promise<Loop> {
  const step = (line: string) => {
    signal.throwIfAborted();
    progress(line);
  };
  const today = new Date(now());
  step('starting the identity provider and the APIs');
  const identity = await startIdentityOf(today);
  started.push(identity.close);
  const upstreams = await startApis(started);

  step('writing the access repository: the sample organisation with its history in Git');
  const secret = randomBytes(24).toString('base64url');
  const { repository, git, organisation } = await writeRepository(
    folder,
    today,
    await demoOrganisation(today, {
      issuer: identity.issuer,
      upstreams: Object.fromEntries([...upstreams].map(([api, { url }]) => [api, url])),
      apiKeys: { [keyHolder]: createHash('sha256').update(secret).digest('hex') },
    }),
  );

  step('starting the forge');
  const botToken = randomBytes(24).toString('base64url');
  const webhooks: { url: string; secret: string; events: string[] }[] = [];
  const maintainerToken = randomBytes(24).toString('base64url');
  const forge = await startForge({
    port: await freePort(ports.forge),
    repository,
    owner: 'northwind',
    name: 'access',
    token: botToken,
    users: [{ login: 'maintainer', token: maintainerToken, permission: 'admin' }],
    webhooks,
  });
  started.push(forge.close);

  step('starting the gateway');
  const webhookSecret = randomBytes(24).toString('base64url');
  const { cloneUrl } = forge;
  const gateway = await serveGateway({
    folder,
    port,
    cloneUrl,
    issuer: identity.issuer,
    audience,
    webhookSecret,
  });
  started.push(gateway.close);
  webhooks.push({ url: `${gateway.admin}/webhooks/github`, secret: webhookSecret, events: ['push'] });

  step('writing 120 days of recorded decisions');
  const decisions = join(folder, 'decisions');
  const revision = await git.text(['rev-parse', 'main']);
  // One gateway's: the heartbeats of another would be as many lines again, to be written and read at each start.
  await writeApart({ folder: decisions, organisation, now: now(), revision, instances: ['gw-1'] }, signal);
  await ready(gateway.admin, signal);

  const target = { baseUrl: forge.api, token: botToken, ...repositoryOf(forge), base: 'main', cloneUrl };
  const runReview = () =>
    review({
      root: repository,
      decisions: [decisions],
      asOfMs: now(),
      apply: { forge: target },
      signal,
    });
  step('running the first review');
  const { plan, pulls: proposed, error } = await runReview();
  if (error !== null) throw error;
  const titles = await titlesOf(forge, botToken);
  const pulls = proposed.flatMap(({ number, url, grants }) =>
    number === null || url === null ? [] : [{ number, url, title: titles.get(number) ?? '', grants }],
  );

  const tokens = await issueTokens(identity, organisation);
  const apiKey = `gg_demo_${secret}`;
  writeTokens(folder, { ...tokens, maintainer: maintainerToken, [keyHolder]: apiKey });
  const state = { gateway: gateway.url, admin: gateway.admin, forge: forge.url, repository, tokens, pulls };
  // It holds tokens, if only the demo's own: for its user's eyes.
  await writeWhole(join(folder, 'state.json'), `${JSON.stringify(state, null, 2)}\n`, 0o600);
  signal.throwIfAborted();
  return {
    ...{ gateway: gateway.url, admin: gateway.admin, forge, issuer: identity.issuer, upstreams },
    ...{ repository, folder, organisation, tokens, pulls, plan, close },
    apiKeyOf: keyHolder,
    review: runReview,
  };
}

const repositoryOf = ({ repository: { owner, name } }: Forge) => ({ owner, repo: name });

/** An identity provider that knows the people of the sample organisation. */
async function startIdentityOf(today: Date): Promise<Identity> {
  const texts = await demoOrganisation(today);
  const directory = texts.get('grants/directory/okta.yaml') ?? '';
  const people = [...directory.matchAll(/^ {2}- login: "([^"]+)"/gm)].map(([, login = '']) => login);
  return startIdentity({
    port: await freePort(ports.identity),
    people,
    services: services.map((name) => ({ name, clientId: name })),
    audience,
  });
}

async function startApis(started: Started): Promise<ReadonlyMap<string, Upstream>> {
  const upstreams = new Map<string, Upstream>();
  for (const api of apis) {
    const upstream = await startUpstream({ api });
    started.push(upstream.close);
    upstreams.set(api, upstream);
  }
  return upstreams;
}

/** Tokens of everybody active and of the services, good for a day. */
async function issueTokens(identity: Identity, { people }: Organisation): Promise<Record<string, string>> {
  const tokens: Record<string, string> = {};
  for (const { login, status } of people.values()) {
    if (status === 'active')
      tokens[login] = await identity.issue(login, { mfa: true, seconds: tokenSeconds });
  }
  for (const name of services) tokens[name] = await identity.issue(name, { seconds: tokenSeconds });
  return tokens;
}

/**
 * Writes the history in a thread of its own: the gateway starts meanwhile, a signal ends it at once, and its memory is
 * given back, which every start of Git would copy the tables of.
 */
async function writeApart(history: HistoryOptions, signal: AbortSignal): Promise<void> {
  const worker = new Worker(new URL('./historyWorker.ts', import.meta.url), { workerData: history });
  const end = () => void worker.terminate();
  signal.addEventListener('abort', end);
  try {
    await once(worker, 'exit', { signal });
  } finally {
    signal.removeEventListener('abort', end);
  }
}

/** The titles of the open pull requests, by number. */
async function titlesOf({ api, repository: { owner, name } }: Forge, token: string) {
  const response = await fetch(`${api}/repos/${owner}/${name}/pulls?state=open&per_page=100`, {
    headers: { authorization: `Bearer ${token}` },
  });
  const pulls = (await response.json()) as { number: number; title: string }[];
  return new Map(pulls.map(({ number, title }) => [number, title] as const));
}
