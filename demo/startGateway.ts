import { spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** The gateway as its users run it: `grantgate serve` in a process of its own. */
export type RunningGateway = {
  url: string;
  admin: string;
  pid: number;
  /** SIGTERM, then SIGKILL when it takes too long. */
  close: () => Promise<void>;
  /** SIGKILL at once: what a crash looks like. */
  kill: () => Promise<void>;
};

const startTimeoutMs = 120_000;
const stopTimeoutMs = 15_000;

/** Starts `grantgate serve --config`; its log goes to `log`. Throws when it ends, or listens nowhere after two minutes. */
export async function startGateway(options: {
  config: string;
  log: string;
  env: NodeJS.ProcessEnv;
}): Promise<RunningGateway> {
  const cli = fileURLToPath(new URL('../cli.ts', import.meta.url));
  // The channel tells the gateway when this process is gone, so that it never outlives the demo.
  const child = spawn(process.execPath, [cli, 'serve', '--config', options.config], {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env: { ...process.env, ...options.env },
  });
  const log = createWriteStream(options.log, { flags: 'a' });
  let complaint = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    complaint += chunk.toString();
    log.write(chunk);
  });
  const ended = new Promise<void>((done) => child.once('exit', () => done()));
  const address = Promise.withResolvers<{ url: string; admin: string }>();
  const fail = (reason: string) => address.reject(new Error(`the gateway did not start: ${reason}`));
  child.once('error', (error) => fail(error.message));
  void ended.then(() => fail(complaint.trim() || `it ended; see ${options.log}`));
  const timer = setTimeout(fail, startTimeoutMs, `no word from it in ${startTimeoutMs / 1000} s`);
  if (child.stdout === null) throw new Error('the gateway has no output');
  createInterface(child.stdout).on('line', (line) => {
    log.write(`${line}\n`);
    const entry = parse(line);
    // A worker's line has no address yet; those of several are told together.
    const told = entry?.msg === 'listening' || entry?.msg === 'all workers listen';
    if (told && entry?.url) address.resolve({ url: String(entry.url), admin: String(entry.admin) });
  });
  const close = async () => {
    child.kill('SIGTERM');
    const kill = setTimeout(() => child.kill('SIGKILL'), stopTimeoutMs);
    await ended;
    clearTimeout(kill);
    log.end();
  };
  const kill = async () => {
    child.kill('SIGKILL');
    await ended;
    log.end();
  };
  try {
    return { ...(await address.promise), pid: child.pid ?? 0, close, kill };
  } catch (error) {
    await close();
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

function parse(line: string): Record<string, unknown> | null {
  try {
    return JSON.parse(line) as Record<string, unknown>;
  } catch {
    return null;
  }
}
