import { existsSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { ConfigError, type GatewayConfig } from '../config/config.ts';
import { listen } from '../http/listen.ts';
import { lockHolder } from '../record/lockFile.ts';
import { type Finding, ok, problem, warning } from './finding.ts';

/** Listens where serving will, at all of it at the same time, and ends again. */
export async function checkPorts(config: GatewayConfig): Promise<Finding[]> {
  const { listen: callers, admin, decision_point, decisions } = config;
  const places = { listen: callers, admin, 'decision_point.listen': decision_point?.listen };
  const running = runningAs(join(decisions.folder, decisions.instance, '.lock'));
  const findings: Finding[] = [];
  const open: Server[] = [];
  const ours = new Map<string, string>();
  for (const [setting, place] of Object.entries(places)) {
    if (place === undefined) continue;
    const { host, port } = place;
    const at = `${host}:${port}`;
    const other = port === 0 ? undefined : ours.get(at);
    if (other !== undefined) {
      findings.push(problem(setting, `${at} is that of "${other}" as well`, 'give each a port of its own'));
      continue;
    }
    ours.set(at, setting);
    const server = createServer();
    try {
      await listen(server, { host, port }, () => undefined, setting);
      open.push(server);
      findings.push(ok(setting, port === 0 ? `${host}, at any free port` : `${at} is free`));
    } catch (error) {
      findings.push(refusal(setting, at, error, running));
    }
  }
  await Promise.all(open.map((server) => new Promise((done) => server.close(done))));
  return findings;
}

function refusal(setting: string, place: string, error: unknown, running: number | null): Finding {
  const code = codeOf(error instanceof ConfigError ? error.message : error);
  if (code === 'EADDRINUSE' && running !== null)
    return warning(
      setting,
      `${place} is taken, as process ${running} serves this instance already`,
      'nothing, if that is this gateway; else end it, or give each its own "decisions.instance"',
    );
  const message =
    error instanceof ConfigError ? error.message.replace(/^"[^"]+": /, '') : `${place}: ${code}`;
  return problem(
    setting,
    message,
    `see what holds it (\`ss -ltnp\`), or set "${setting}" to another host or port`,
  );
}

const codeOf = (error: unknown): string => {
  if (typeof error === 'string') return /\(([A-Z]+)\)$/.exec(error)?.[1] ?? '';
  return error instanceof Error && 'code' in error ? String(error.code) : 'cannot be listened on';
};

function runningAs(lock: string): number | null {
  try {
    return existsSync(lock) ? lockHolder(lock) : null;
  } catch {
    return null;
  }
}
