import * as assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { dirname } from 'node:path';
import { stripVTControlCharacters } from 'node:util';

/** A block of shell, and the lines that the page says it prints; `…` stands for anything there. */
export type Step = { shell: string; prints: readonly string[] };

/** The shell blocks of a page in their order, each with the text block right below it. */
export function stepsOf(markdown: string): Step[] {
  const blocks = [...markdown.matchAll(/^```(sh|text)\n([\s\S]*?)^```$/gm)];
  return blocks.flatMap(([, kind, body = ''], index) => {
    if (kind !== 'sh') return [];
    const [, next, text = ''] = blocks[index + 1] ?? [];
    return [{ shell: body, prints: next === 'text' ? text.trim().split('\n') : [] }];
  });
}

/** The lines that are promised and not printed, each looked for below the one before it. */
export function unkept({ prints }: Step, printed: string): string[] {
  // A path too long for its line stands on the next one: how long it is depends on the machine.
  const whole = printed.replace(/:\n +(?=\/|git\+file:)/g, ': ');
  const lines = whole.split('\n').map((line) => line.trim());
  let from = 0;
  return prints.filter((promise) => {
    const form = new RegExp(`^${promise.trim().split('…').map(RegExp.escape).join('.*')}$`);
    const at = lines.findIndex((line, index) => index >= from && form.test(line));
    if (at >= 0 && promise !== '…') from = at + 1;
    return at < 0;
  });
}

const mark = '-- end of step --';
const author = {
  ...{ GIT_AUTHOR_NAME: 'Ann', GIT_AUTHOR_EMAIL: 'ann@example.com' },
  ...{ GIT_COMMITTER_NAME: 'Ann', GIT_COMMITTER_EMAIL: 'ann@example.com' },
};

/**
 * Types the steps into one bash, as a reader would, and stops at the first that fails. Returns what each printed, and
 * whether all ended well. Whatever they left running is ended.
 */
export async function runSteps(
  steps: readonly Step[],
  { folder, env }: { folder: string; env: NodeJS.ProcessEnv },
): Promise<{ printed: string[]; code: number | null; errors: string }> {
  const script = steps.map(({ shell }) => `${shell}\necho; echo '${mark}'\n`).join('');
  const shell = spawn('bash', ['-euo', 'pipefail', '-c', script], {
    cwd: folder,
    // The Node that runs this, whatever else is installed.
    env: { ...env, ...author, PATH: `${dirname(process.execPath)}:${env.PATH}` },
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  let errors = '';
  shell.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  shell.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  const closed = once(shell, 'close');
  const [code] = (await once(shell, 'exit')) as [number | null];
  endGroup(shell);
  await closed;
  const printed = stripVTControlCharacters(output).split(mark).slice(0, -1);
  return { printed, code, errors };
}

/** Fails unless each step ended well and printed what the page promises. */
export function assertKept(
  steps: readonly Step[],
  { printed, code, errors }: Awaited<ReturnType<typeof runSteps>>,
): void {
  assert.deepEqual([code, printed.length], [0, steps.length], `${printed.at(-1)}\n${errors}`);
  for (const [index, step] of steps.entries())
    assert.deepEqual(unkept(step, printed[index] ?? ''), [], `${step.shell}\n${printed[index]}\n${errors}`);
}

/** What was started in the background shares the group that `detached` made. */
function endGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}
