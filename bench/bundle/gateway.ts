import { createHmac } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Pool } from 'undici';
import { startGateway } from '../../demo/startGateway.ts';
import type { Issuer } from '../../test/gateway/_issuer.ts';
import { apiOf, steady, target } from './organisation.ts';

const secret = 'bench';
const pause = (ms: number) => new Promise<void>((done) => setTimeout(done, ms));

/** Starts a gateway in a process of its own, watched from outside; settles when it enforces a bundle. */
export async function startWatched(folder: string, issuer: Issuer, bundle: object) {
  const config = join(folder, 'gateway.yaml');
  writeFileSync(
    config,
    JSON.stringify({
      listen: { port: 0 },
      admin: { port: 0 },
      bundle: { poll: '1h', ...bundle },
      webhook: { secret: { env: 'BENCH_WEBHOOK_SECRET' } },
      issuers: [{ issuer: issuer.url, audience: 'grantgate' }],
      limits: { concurrency: 10_000 },
    }),
  );
  const port = join(folder, 'probe-port');
  const probe = fileURLToPath(new URL('./probe.ts', import.meta.url));
  const gateway = await startGateway({
    config,
    log: join(folder, 'gateway.log'),
    env: { BENCH_WEBHOOK_SECRET: secret, BENCH_PROBE: port, NODE_OPTIONS: `--import=${probe}` },
  });
  const exp = Math.floor(Date.now() / 1000) + 7200;
  const token = async (sub: string) => `Bearer ${await issuer.token({ sub, exp })}`;
  const tokens = { steady: await token(steady), target: await token(target) };
  const pool = new Pool(gateway.url, { connections: 16 });
  const ask = async (who: keyof typeof tokens): Promise<number> => {
    const headers = { authorization: tokens[who] };
    const { statusCode, body } = await pool.request({
      path: `/${apiOf(0)}/v1/orders`,
      method: 'GET',
      headers,
    });
    await body.dump();
    return statusCode;
  };
  const memory = (what: 'VmRSS' | 'VmHWM'): number => {
    const found = new RegExp(`^${what}:\\s+(\\d+) kB`, 'm').exec(
      readFileSync(`/proc/${gateway.pid}/status`, 'utf8'),
    );
    return Number(found?.[1] ?? 0) / 1024;
  };
  while (!(await fetch(`${gateway.admin}/health/ready`)).ok) await pause(50);
  return {
    ask,
    /** MiB that it takes at the moment. */
    rss: () => memory('VmRSS'),
    /** The most MiB since the last {@link forgetPeak}. */
    peak: () => memory('VmHWM'),
    forgetPeak: () => writeFileSync(`/proc/${gateway.pid}/clear_refs`, '5'),
    longestPauseMs: async (): Promise<number> => {
      const answer = await fetch(`http://127.0.0.1:${readFileSync(port, 'utf8')}`);
      return ((await answer.json()) as { longestPauseMs: number }).longestPauseMs;
    },
    reload: async (): Promise<void> => {
      const answer = await fetch(`${gateway.admin}/reload`, { method: 'POST' });
      const { changed } = (await answer.json()) as { changed?: boolean };
      if (changed !== true) throw new Error(`no new bundle is in force: ${answer.status}`);
    },
    webhook: async (): Promise<void> => {
      // Which commit it was is found out by looking.
      const body = JSON.stringify({ ref: 'refs/heads/main', after: 'f'.repeat(40) });
      const signature = createHmac('sha256', secret).update(body).digest('hex');
      const answer = await fetch(`${gateway.admin}/webhooks/github`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'x-github-event': 'push',
          'x-hub-signature-256': `sha256=${signature}`,
        },
        body,
      });
      if (answer.status !== 202) throw new Error(`the webhook answers ${answer.status}`);
    },
    /** Requests of the one who keeps access, one every `everyMs`, none waiting for another, until told to end. */
    load: (everyMs: number) => {
      let [requests, failed] = [0, 0];
      const pending = new Set<Promise<void>>();
      const send = async () => {
        requests += 1;
        if ((await ask('steady').catch(() => 0)) !== 200) failed += 1;
      };
      const timer = setInterval(() => {
        const sent = send().finally(() => pending.delete(sent));
        pending.add(sent);
      }, everyMs);
      return async () => {
        clearInterval(timer);
        await Promise.all(pending);
        return { requests, failed };
      };
    },
    close: async () => {
      await pool.close();
      await gateway.close();
    },
  };
}
