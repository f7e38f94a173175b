import { findOpa, OpaError } from '../../bundle/policy/opa.ts';
import { ConfigError, type GatewayConfig, readConfig } from '../config/config.ts';
import { readSourceConfig } from '../config/readSource.ts';
import { readShadow } from '../shadow/shadow.ts';
import type { SourceConfig } from '../source/openSource.ts';
import { checkFolders } from './checkFolders.ts';
import { checkIntrospection } from './checkIntrospection.ts';
import { checkIssuer } from './checkIssuer.ts';
import { checkPorts } from './checkPorts.ts';
import { checkProxies } from './checkProxies.ts';
import { checkSource } from './checkSource.ts';
import { checkStore } from './checkStore.ts';
import { checkTls } from './checkTls.ts';
import { checkUpstreams } from './checkUpstreams.ts';
import { type Finding, ok, problem, warning } from './finding.ts';

type Options = {
  env: NodeJS.ProcessEnv;
  /** Milliseconds since 1970. */
  now: () => number;
  /** Who runs it; undefined where users have no numbers. */
  uid: number | undefined;
  /** For each check. */
  patienceMs?: { long: number; short: number };
};

type Check = { name: string; ms: number; run: (signal: AbortSignal) => Promise<Finding[]> | Finding[] };

/**
 * Looks at a deployment as a start would, and beyond: what it would need of others once it serves. It changes nothing, and
 * each check ends in its time. Findings are in the order of gateway.yaml, whichever came first.
 */
export async function doctor(file: string, options: Options): Promise<Finding[]> {
  const { patienceMs = { long: 120_000, short: 10_000 } } = options;
  let config: GatewayConfig;
  try {
    config = readConfig(file);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const advice = 'correct it: gateway.example.yaml has every setting';
    return error.message.split('\n').map((line) => problem('file', line, advice));
  }
  const checks = checksOf(config, options, patienceMs);
  const found = await Promise.all(checks.map(bounded));
  return [ok('file', `${file} is valid`), ...found.flat()];
}

function checksOf(
  config: GatewayConfig,
  { env, now, uid }: Options,
  patienceMs: { long: number; short: number },
): Check[] {
  const short = (name: string, run: Check['run']): Check => ({ name, ms: patienceMs.short, run });
  const { introspection } = config;
  return [
    short('places', () => checkFolders(config, env, uid)),
    short('listen', () => checkPorts(config)),
    short('listen.tls', () => checkTls(config, now())),
    {
      name: 'bundle.source',
      ms: patienceMs.long,
      run: (signal) => checkBundles(config, { env, now, signal }),
    },
    short('issuers', () => checkCallers(config)),
    ...config.issuers.map((issuer) => short(`issuer ${issuer.issuer}`, () => checkIssuer(issuer, now))),
    ...(introspection === undefined
      ? []
      : [
          {
            name: 'introspection',
            // Its own bound may be longer, and says more.
            ms: Math.max(patienceMs.short, introspection.timeout + 1000),
            run: async () => [await checkIntrospection(introspection, env, now)],
          },
        ]),
    short('limits.store', () => checkStore(config.limits, env, AbortSignal.timeout(patienceMs.short / 2))),
    short('trusted_proxies', () => checkProxies(config)),
  ];
}

/** Whether people can call at all: grants to them are good for nothing where no token is taken. */
function checkCallers({ issuers, introspection, listen }: GatewayConfig): Finding[] {
  if (issuers.length > 0 || introspection !== undefined) return [];
  const certificates = listen.tls?.client_ca === undefined ? '' : ' or a client certificate';
  return [
    warning(
      'issuers',
      `none is configured, so no person can call: only services with an API key${certificates} get in`,
      'name your identity provider under "issuers"; leave it so where only services call',
    ),
  ];
}

/** A check that does not end, or fails in a way of its own, is a problem: silence proves nothing. */
async function bounded({ name, ms, run }: Check): Promise<Finding[]> {
  const ending = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Finding[]>((done) => {
    timer = setTimeout(() => {
      done([
        problem(name, `no answer within ${Math.round(ms / 1000)} s`, 'see that who is asked is up and near'),
      ]);
      ending.abort();
    }, ms);
  });
  try {
    return await Promise.race([late, (async () => run(ending.signal))()]);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'an unexpected failure';
    return [problem(name, `it could not be checked: ${code}`, 'report this, with the version')];
  } finally {
    clearTimeout(timer);
  }
}

async function checkBundles(
  config: GatewayConfig,
  { env, now, signal }: { env: NodeJS.ProcessEnv; now: () => number; signal: AbortSignal },
): Promise<Finding[]> {
  const sources: { check: string; source: SourceConfig; maxStalenessMs: number | null }[] = [];
  try {
    const maxStalenessMs = config.bundle.max_staleness ?? null;
    sources.push({ check: 'bundle.source', source: readSourceConfig(config, env), maxStalenessMs });
    const shadow = readShadow(config, env);
    if (shadow !== null)
      sources.push({ check: 'bundle.shadow', source: shadow.source, maxStalenessMs: null });
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return [problem('bundle', `not looked at: ${error.message}`, 'see the setting')];
  }
  const findings: Finding[] = [];
  let compiles = true;
  if (sources.some(({ source }) => source.url.startsWith('git+'))) {
    const opa = await checkOpa(env);
    compiles = opa.state === 'ok';
    findings.push(opa);
  }
  let upstreams: ReadonlyMap<string, string> = new Map();
  for (const one of sources) {
    const checked = await checkSource({ ...one, compiles, now, signal });
    findings.push(...checked.findings);
    if (one.check === 'bundle.source') upstreams = checked.upstreams;
  }
  return [...findings, ...(await checkUpstreams(upstreams))];
}

async function checkOpa(env: NodeJS.ProcessEnv): Promise<Finding> {
  try {
    const { path, version } = await findOpa({ env, install: false });
    return ok('opa', `${version} at ${path}`);
  } catch (error) {
    if (!(error instanceof OpaError)) throw error;
    return problem(
      'opa',
      error.message,
      'run `grantgate check` once as this user, which installs it, or set OPA_PATH; bundles from Git are compiled here',
    );
  }
}
