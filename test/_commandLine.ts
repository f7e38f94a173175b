import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export type Result = { code: number; stdout: string; stderr: string };

const cli = new URL('../cli.ts', import.meta.url);
type Where = { cwd: string; env?: Readonly<Record<string, string>> };

/** The same by a process of its own: a file does so once for each command, and in process what else it asks of it. */
export function started(args: readonly string[], { cwd, env = {} }: Where): Promise<Result> {
  const options = { cwd, env: { ...process.env, ...env } };
  return new Promise((done) => {
    execFile(process.execPath, [fileURLToPath(cli), ...args], options, (error, stdout, stderr) => {
      // Null where a signal ended it, which is no exit code at all.
      done({ code: error === null ? 0 : Number(error.code ?? Number.NaN), stdout, stderr });
    }).stdin?.end();
  });
}

let runs = 0;
let last: Promise<unknown> = Promise.resolve();

/**
 * Runs `cli.ts` as it stands with these arguments, as a shell in `cwd` would, but in this process: what it imports is
 * loaded once for all command lines of a file. One after the other, as they share the process' folder, environment and
 * streams. For commands that end by themselves; whatever starts something, or is about a process, wants a real one.
 */
export function commandLine(args: readonly string[], where: Where): Promise<Result> {
  const run = last.then(() => runHere(args, where));
  last = run.catch(() => undefined);
  return run;
}

async function runHere(args: readonly string[], { cwd, env = {} }: Where): Promise<Result> {
  const before = { argv: process.argv, cwd: process.cwd(), env: process.env, exitCode: process.exitCode };
  const [stdout, stderr] = [capture(process.stdout), capture(process.stderr)];
  const forget = ['SIGINT', 'SIGTERM', 'disconnect'].map((event) => newListeners(process, event));
  try {
    process.argv = [process.execPath, cli.pathname, ...args];
    process.env = { ...process.env, ...env };
    process.exitCode = undefined;
    process.chdir(cwd);
    runs += 1;
    // Another query is another module: its body, which reads the arguments, runs anew.
    await import(`${cli.href}?run=${runs}`);
    return { code: Number(process.exitCode ?? 0), stdout: stdout.text(), stderr: stderr.text() };
  } finally {
    for (const end of [stdout.end, stderr.end, ...forget]) end();
    process.chdir(before.cwd);
    process.argv = before.argv;
    process.env = before.env;
    process.exitCode = before.exitCode;
  }
}

/** Keeps what is written to a stream, and takes away at the end whoever listens to it since. */
function capture(stream: NodeJS.WriteStream): { text: () => string; end: () => void } {
  const { write } = stream;
  const forget = newListeners(stream, 'error');
  let text = '';
  stream.write = (chunk: string | Uint8Array, ...rest: unknown[]) => {
    text += typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString();
    const done = rest.at(-1);
    if (typeof done === 'function') process.nextTick(() => done());
    return true;
  };
  return {
    text: () => text,
    end() {
      stream.write = write;
      forget();
    },
  };
}

/** Takes away who has begun to listen since. */
function newListeners(to: NodeJS.EventEmitter, event: string): () => void {
  const before = new Set(to.listeners(event));
  return () => {
    for (const listener of to.listeners(event))
      if (!before.has(listener)) to.off(event, listener as () => void);
  };
}
