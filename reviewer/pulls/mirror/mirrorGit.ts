// Sharp edges of simple-git, kept behind this file: it refuses environment variables it takes for dangerous unless they
// are named; it takes an exit code without output on stderr for success; `env` replaces the whole environment.
import { type SimpleGit, simpleGit } from 'simple-git';
import { type GitSurroundings, gitEnvironment } from '../../../bundle/git/gitEnvironment.ts';
import { GitError } from '../../../bundle/git/gitError.ts';
import { runGit } from '../../../bundle/git/runGit.ts';
import type { Forge } from '../../forge/forge.ts';
import { ForgeError } from '../../forge/forgeError.ts';
import { stopIfAborted } from '../../reviewError.ts';

/** What is asked of a forge here. */
export type Remote = Pick<Forge, 'token' | 'cloneUrl' | 'base' | 'folder' | 'timeoutMs'>;

/** As the forge takes a token by HTTP's Basic scheme (RFC 7617), and as it might stand in what Git prints. */
const encoded = (token: string) => Buffer.from(`x-access-token:${token}`).toString('base64');

/** With the token in a header that goes to the forge's address only: arguments and addresses end up in logs. */
function surroundings(forge: Remote, token: string): GitSurroundings {
  const url = URL.parse(forge.cloneUrl);
  const protocol = /^(https?):$/.exec(url?.protocol ?? '')?.[1];
  return {
    protocol: protocol === 'https' || protocol === 'http' ? protocol : 'file',
    globalConfig: '/dev/null',
    ...(token !== '' &&
      url !== null &&
      protocol !== undefined && {
        credentials: { origin: url.origin, authorization: `Basic ${encoded(token)}` },
      }),
    config: {
      // The copy is gone in a minute: one file rather than one for each object.
      'fastimport.unpackLimit': '1',
      'fetch.unpackLimit': '1',
      // A connection that stands still is given up.
      'http.lowSpeedLimit': '1',
      'http.lowSpeedTime': String(Math.ceil(forge.timeoutMs / 1000)),
    },
  };
}

type Options = { forge: Remote; signal: AbortSignal | undefined };

/** How Git is asked in a copy of the forge's repository: `run` on this machine, `talk` to the forge. */
export function mirrorGit(repository: string, { forge, signal }: Options) {
  // What stays on this machine needs no token.
  const env = gitEnvironment(surroundings(forge, ''));
  const client = (input: string | undefined): SimpleGit =>
    simpleGit({
      baseDir: repository,
      timeout: { block: forge.timeoutMs },
      ...(signal && { abort: signal }),
      ...(input !== undefined && { input: () => input }),
      allowEnvironment: Object.keys(env),
      unsafe: unsafeButOurs,
    }).env(env);
  const run = async (args: string[], input?: string) => {
    stopIfAborted(signal);
    try {
      return (await client(input).raw(args)).trim();
    } catch (error) {
      stopIfAborted(signal);
      throw error;
    }
  };
  /** Runs a command that talks to the forge: it may hang, and starts programs of Git's that do. */
  const talk = async (name: string, args: string[]) => {
    // Asked for each time: an App's is good for an hour, and a large campaign takes longer.
    const token = await forge.token();
    const options = {
      ...surroundings(forge, token),
      cwd: repository,
      timeoutMs: forge.timeoutMs,
      patient: true,
    };
    const fault = await runGit(args, { ...options, ...(signal && { signal }) }).then(
      ({ code, stderr }) => (code === 0 ? null : `failed: ${withoutToken(stderr, token)}`),
      (error: unknown) => {
        stopIfAborted(signal);
        if (!(error instanceof GitError)) throw error;
        return error.code === 'git-timeout'
          ? `gave no sign of life for ${forge.timeoutMs / 1000} s`
          : `failed: ${error.message}`;
      },
    );
    if (fault === null) return;
    if (/could not read (?:Username|Password)|Authentication failed|returned error: 40[13]/i.test(fault))
      throw new ForgeError(
        'forge-unauthorized',
        `git ${name} ${forge.cloneUrl}`,
        `is refused: ${/^(?:failed: )?remote: (?:ERROR: )?(.{1,200})/m.exec(fault)?.[1] ?? 'the token is not accepted, or may not do this'}`,
      );
    throw new ForgeError(
      'forge-git',
      `git ${name} ${forge.cloneUrl}`,
      // The API answers to former names, too.
      /redirect|returned error: 30\d/i.test(fault)
        ? 'is sent elsewhere, which is not followed: give the repository by the name and owner that it has now'
        : fault,
    );
  };
  return { run, talk };
}

/** What simple-git asks to be told that it is meant: the settings above are ours, and no user input. */
const unsafeButOurs = {
  allowUnsafeAskPass: true,
  allowUnsafeConfigEnvCount: true,
  allowUnsafeConfigPaths: true,
  allowUnsafePager: true,
  allowUnsafeFsMonitor: true,
  allowUnsafeHooksPath: true,
  allowUnsafeCredentialHelper: true,
} as const;

function withoutToken(text: string, token: string): string {
  if (token === '') return text.trim();
  return text.replaceAll(token, '***').replaceAll(encoded(token), '***').trim();
}
