import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { freePort } from '../gateway/world.ts';

/** `opa run` over the same rules and data.json: milliseconds until it answers a decision, and its memory in MiB. */
export async function measureOpa(opa: string, data: string): Promise<{ ms: number; mebibytes: number }> {
  const policies = fileURLToPath(new URL('../../policies/authz/decision.rego', import.meta.url));
  const port = await freePort();
  const began = performance.now();
  const address = ['--addr', `127.0.0.1:${port}`, '--log-level', 'error', '--disable-telemetry'];
  const child = spawn(opa, ['run', '--server', ...address, policies, data], { stdio: 'ignore' });
  try {
    const url = `http://127.0.0.1:${port}/v1/data/grantgate/authz/decision`;
    const ask = () => fetch(url, { method: 'POST', body: '{"input":{}}' }).then((answer) => answer.ok);
    for (let tries = 0; !(await ask().catch(() => false)); tries += 1) {
      if (tries > 6000) throw new Error('opa does not answer');
      await new Promise((done) => setTimeout(done, 10));
    }
    const ms = performance.now() - began;
    const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
    return { ms, mebibytes: Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) / 1024 };
  } finally {
    child.kill();
  }
}
