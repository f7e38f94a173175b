import { spawn } from 'node:child_process';
import { SourceError } from '../contract/source.ts';

/** Of the process's environment only what a transport needs: nothing that moves, traces or prompts. */
const passed =
  /^(?:PATH|HOME|TMPDIR|TEMP|TMP|SYSTEMROOT|(?:https?|all|no)_proxy|GIT_SSL_(?:CAINFO|CAPATH)|SSL_CERT_(?:FILE|DIR)|GIT_EXEC_PATH)$/i;

const settings: Record<string, string> = {
  'core.hooksPath': '/dev/null',
  'core.fsmonitor': 'false',
  'credential.helper': '',
  'gc.auto': '0',
  'gc.packRefs': 'false',
  'maintenance.auto': 'false',
  // Redirects could lead the credentials, and us, to another host.
  'http.followRedirects': 'false',
  'http.lowSpeedLimit': '100',
  'http.lowSpeedTime': '30',
  'fetch.writeCommitGraph': 'false',
};

export type GitRun = {
  /** The one transport allowed. */
  protocol: 'file' | 'http' | 'https';
  /** Sent as a header to this origin only; kept out of argv, where every user of the machine could read it. */
  credentials?: { origin: string; authorization: string };
  /** A configuration file of our own in place of the user's. */
  globalConfig: string;
  timeoutMs: number;
  signal: AbortSignal;
  /** Further settings; they come last, so nothing a repository says outweighs them. */
  config?: Readonly<Record<string, string>>;
};

/**
 * Runs Git in a process group of its own, with neither the system's nor the user's configuration, and ends the whole
 * group at the timeout or abort. Returns what it said, whatever its exit code. Throws SourceError `git-missing`,
 * `source-timeout` or `aborted`.
 */
export function runGit(
  args: readonly string[],
  { protocol, credentials, globalConfig, timeoutMs, signal, config: more = {} }: GitRun,
): Promise<{ code: number; stdout: string; stderr: string }> {
  const config = [...Object.entries(settings), ...Object.entries(more)];
  if (credentials)
    config.push([`http.${credentials.origin}/.extraHeader`, `Authorization: ${credentials.authorization}`]);
  const env: NodeJS.ProcessEnv = {
    ...Object.fromEntries(Object.entries(process.env).filter(([name]) => passed.test(name))),
    LC_ALL: 'C',
    GIT_ALLOW_PROTOCOL: protocol,
    GIT_ASKPASS: '',
    GIT_CONFIG_GLOBAL: globalConfig,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_COUNT: String(config.length),
    GIT_NO_REPLACE_OBJECTS: '1',
    GIT_TERMINAL_PROMPT: '0',
  };
  // Git would believe the environment before the setting, and so another authority than the one configured.
  if (config.some(([key]) => key.endsWith('.sslCAInfo'))) delete env.GIT_SSL_CAINFO;
  config.forEach(([key, value], i) => {
    env[`GIT_CONFIG_KEY_${i}`] = key;
    env[`GIT_CONFIG_VALUE_${i}`] = value;
  });
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(new SourceError('aborted', 'stopped'));
      return;
    }
    const child = spawn('git', args, { detached: true, env, stdio: ['ignore', 'pipe', 'pipe'] });
    let ended: SourceError | null = null;
    let killing: NodeJS.Timeout | undefined;
    const kill = (name: NodeJS.Signals) => {
      try {
        if (child.pid !== undefined) process.kill(-child.pid, name);
      } catch {
        // It ended by itself in between.
      }
    };
    // TERM lets Git take its lock files away; KILL is for what does not listen.
    const end = (error: SourceError) => {
      ended ??= error;
      kill('SIGTERM');
      killing ??= setTimeout(kill, 2000, 'SIGKILL');
    };
    const timer = setTimeout(
      () => end(new SourceError('source-timeout', `git did not finish in ${timeoutMs / 1000} s`)),
      timeoutMs,
    );
    const abort = () => end(new SourceError('aborted', 'stopped'));
    signal.addEventListener('abort', abort, { once: true });
    const settled = () => {
      clearTimeout(timer);
      clearTimeout(killing);
      signal.removeEventListener('abort', abort);
    };
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk: Buffer) => {
      stdout = (stdout + chunk.toString()).slice(-64_000);
    });
    child.stderr.on('data', (chunk: Buffer) => {
      stderr = (stderr + chunk.toString()).slice(-8_000);
    });
    child.on('error', (cause) => {
      settled();
      reject(new SourceError('git-missing', 'git could not be started: is it installed?', { cause }));
    });
    child.on('close', (code) => {
      settled();
      if (ended) reject(ended);
      else resolve({ code: code ?? 1, stdout, stderr });
    });
  });
}
