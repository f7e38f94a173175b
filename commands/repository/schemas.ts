import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Command } from 'commander';
import { example, folderOf, print, progress } from '../terminal.ts';

export function schemas(program: Command): void {
  example(
    program
      .command('schemas')
      .description('Write the JSON Schemas that editors and opa check files and policies by.')
      .argument('[root]', 'the repository', '.')
      .option('--check', 'write nothing, and fail where one is missing or otherwise')
      .action(async (folder: string, options: { check?: true }) => {
        const { editorSchemas } = await import('../../bundle/editorSchemas.ts');
        const { workingTree } = await import('../../bundle/git/tree.ts');
        const { formatProblem } = await import('../../bundle/yaml/problem.ts');
        const root = folderOf(folder);
        const { files, problems } = await editorSchemas(await workingTree(root), { progress });
        const due: string[] = [];
        for (const [path, text] of files) {
          const before = await readFile(join(root, path), 'utf8').catch(() => null);
          if (before !== text) due.push(path);
        }
        for (const path of due) {
          print(path);
          if (options.check) continue;
          await mkdir(dirname(join(root, path)), { recursive: true });
          await writeFile(join(root, path), files.get(path) ?? '');
        }
        for (const found of problems) print(formatProblem(found));
        if (problems.length > 0 || (options.check && due.length > 0)) process.exitCode = 1;
      }),
    'grantgate schemas',
    'grantgate schemas ../access --check',
  );
}
