import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';

/** How a file went; `after` are those that ran before it in the same process, and left nothing there. */
export type FileRun = { path: string; code: number; output: string; ms: number; after: readonly string[] };

type Options = { cwd: string; env: NodeJS.ProcessEnv; timeoutMs: number; onRun: (run: FileRun) => void };

/**
 * Runs test files one after the other, in one process for as long as they leave nothing behind in it. One that crashes
 * or hangs fails alone: those after it run in another process.
 */
export async function runFiles(paths: readonly string[], options: Options): Promise<void> {
  for (let rest = paths; rest.length > 0; ) rest = rest.slice(await runInOne(rest, options));
}

/** Starts with the first; answers how many have run, each told of. */
function runInOne(paths: readonly string[], { cwd, env, timeoutMs, onRun }: Options): Promise<number> {
  const mark = randomUUID();
  const ended = new RegExp(`\\n${mark} (\\d+) (next|end)\\n`);
  const runner = fileURLToPath(new URL('_file.ts', import.meta.url));
  const child = spawn(process.execPath, [runner, `--mark=${mark}`, ...paths], {
    ...{ cwd, env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said = { stdout: '', stderr: '' };
  let ran = 0;
  let stands: string | undefined = 'next';
  let began = performance.now();
  const stop = () => {
    said.stderr += `\nstopped after ${timeoutMs / 60_000} minutes\n`;
    child.kill('SIGKILL');
  };
  let timer = setTimeout(stop, timeoutMs);

  const finish = (code: number, output: string) => {
    const now = performance.now();
    onRun({ path: paths[ran] ?? '', code, output, ms: now - began, after: paths.slice(0, ran) });
    ran += 1;
    began = now;
    clearTimeout(timer);
    timer = setTimeout(stop, timeoutMs);
  };
  const look = () => {
    for (;;) {
      const [out, error] = [ended.exec(said.stdout), ended.exec(said.stderr)];
      if (out === null || error === null) return;
      const output = said.stdout.slice(0, out.index) + said.stderr.slice(0, error.index);
      said.stdout = said.stdout.slice(out.index + out[0].length);
      said.stderr = said.stderr.slice(error.index + error[0].length);
      stands = out[2];
      finish(Number(out[1]), output);
    }
  };
  for (const name of ['stdout', 'stderr'] as const)
    child[name].setEncoding('utf8').on('data', (text: string) => {
      said[name] += text;
      look();
    });
  return new Promise((done) => {
    child.on('error', (error) => {
      said.stderr += `${error.message}\n`;
    });
    child.on('close', (code) => {
      // Without a word that it would: while a file ran, which has failed by that, whatever the code.
      if (stands === 'next') finish(code || 1, said.stdout + said.stderr);
      clearTimeout(timer);
      done(ran);
    });
  });
}
