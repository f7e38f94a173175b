import { lstatSync, mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline/promises';
import type { Command } from 'commander';
import type { Given } from '../../bundle/scaffold/readAnswers.ts';
import { UsageError } from '../arguments/usageError.ts';
import { example, print, printJson } from '../terminal.ts';

type Options = Given & { json?: true };

export function init(program: Command): void {
  example(
    program
      .command('init')
      .description('Begin a grants repository of your own; asks on a terminal for what is missing.')
      .argument('<folder>', 'where; what is there already is never overwritten')
      .option('--api <name>', 'the first API')
      .option('--upstream <address>', 'where it is; left out, what the OpenAPI document says')
      .option(
        '--openapi <source>',
        'its OpenAPI document, a file or an address; left out, two example operations',
      )
      .option('--owner <group>', 'who answers for it, like group:shop')
      .option('--person <login...>', 'who is in that group, as tokens name them')
      .option('--github <login...>', 'what GitHub calls them, in the same order')
      .option('--action <action>', 'the action that workflows use, as OWNER/REPOSITORY@COMMIT')
      .option('--json', 'print what was written as JSON')
      .action(run),
    'grantgate init access --api orders --upstream http://orders.internal:8080 --owner group:shop --person ann@example.com',
    'grantgate init access --api orders --openapi orders.openapi.yaml --owner group:shop --person ann@example.com --github ann',
  );
}

async function run(folder: string, { json, ...given }: Options): Promise<void> {
  const { readAnswers } = await import('../../bundle/scaffold/readAnswers.ts');
  const { scaffold } = await import('../../bundle/scaffold/scaffold.ts');
  const { writeNew } = await import('../../bundle/scaffold/writeNew.ts');
  const { openSource } = await import('../../bundle/import/openSource.ts');
  const { check } = await import('../../bundle/check.ts');
  const { formatProblem, formatWarning } = await import('../../bundle/yaml/problem.ts');
  const root = resolve(folder);
  const stats = usable(root, () => lstatSync(root, { throwIfNoEntry: false }));
  if (stats !== undefined && !stats.isDirectory())
    throw new UsageError(`${root} is no folder: name one, or one that is not there yet`);
  const branch = await branchOf(root, stats !== undefined);
  const read = readAnswers(await completed(given));
  if ('problems' in read) throw new UsageError(read.problems.join('\n'));
  const source = given.openapi === undefined ? null : await openSource(given.openapi);
  const { files, unrouted } = scaffold({ answers: read.answers, source, root, branch, nowMs: Date.now() });
  usable(root, () => mkdirSync(root, { recursive: true }));
  const outcome = writeNew(root, files);
  if ('inTheWay' in outcome)
    throw new UsageError(
      `nothing was written: ${outcome.inTheWay.join(', ')} ${outcome.inTheWay.length === 1 ? 'is' : 'are'} in the way in ${root}`,
    );
  const { problems, warnings, summary } = await check(root);
  if (problems.length > 0) process.exitCode = 1;
  if (json) {
    printJson({ ...outcome, unrouted, problems, warnings, summary });
    return;
  }
  const lines = [
    ...outcome.written.map((path) => `+ ${path}`),
    ...outcome.left.map((path) => `  ${path}: left as it is`),
    ...[...unrouted, ...warnings].map(formatWarning),
    ...problems.map(formatProblem),
  ];
  if (problems.length === 0)
    lines.push(`grantgate check: green, ${summary.operations} operations, ${summary.grants} grant`);
  print(
    [...lines, '', 'Next:', ...nextCommands(folder, stats !== undefined && (await isRepository(root)))].join(
      '\n',
    ),
  );
}

/** What the system says against a folder is said of what was asked for. Throws UsageError. */
function usable<T>(root: string, look: () => T): T {
  try {
    return look();
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
    throw new UsageError(`${root} cannot be a folder of yours (${code}): name another`, { cause: error });
  }
}

const nextCommands = (folder: string, repository: boolean): string[] => {
  const shown = /^[A-Za-z0-9._/-]+$/.test(folder) ? folder : `'${folder.replaceAll("'", "'\\''")}'`;
  const begin = repository ? '' : 'git init -b main && ';
  return [
    `  cd ${shown.startsWith('-') ? `./${shown}` : shown} && ${begin}git add . && git commit -m "Access in Git"`,
    '  grantgate doctor --config gateway.yaml',
    '  grantgate serve --config gateway.yaml',
  ];
};

/** What options lack is asked for where somebody can answer. */
async function completed(given: Given): Promise<Given> {
  if (process.stdin.isTTY !== true || process.stderr.isTTY !== true) return given;
  const { askMissing } = await import('./askMissing.ts');
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const ended = new Promise<null>((done) => terminal.once('close', () => done(null)));
  try {
    const ask = (question: string) => Promise.race([terminal.question(question), ended]);
    return await askMissing(given, ask, (line) => void process.stderr.write(`${line}\n`));
  } finally {
    terminal.close();
  }
}

/** The branch that is checked out, main where there is none. Throws UsageError when it cannot be named in an address. */
async function branchOf(root: string, there: boolean): Promise<string> {
  if (!there || !(await isRepository(root))) return 'main';
  const { git } = await import('../../bundle/git/git.ts');
  const branch = await git(root, ['symbolic-ref', '--quiet', '--short', 'HEAD']).catch(() =>
    Buffer.from('main'),
  );
  const name = branch.toString().trim();
  if (!/^[A-Za-z0-9_][A-Za-z0-9._/-]*$/.test(name))
    throw new UsageError(
      `${root} has the branch ${JSON.stringify(name)} checked out: a branch like main is needed`,
    );
  return name;
}

const isRepository = async (root: string): Promise<boolean> =>
  lstatSync(resolve(root, '.git'), { throwIfNoEntry: false }) !== undefined;
