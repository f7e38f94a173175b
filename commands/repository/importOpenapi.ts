import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import type { Drift } from '../../bundle/import/compareOperations.ts';
import { UsageError } from '../arguments/usageError.ts';
import { example, folderOf, print, printJson } from '../terminal.ts';

export function importOpenapi(program: Command): void {
  const group = program.command('import').description('Take over what other files and systems know.');
  example(
    group
      .command('openapi')
      .description(
        "Write the operations of an OpenAPI document into an API's YAML, or report how they differ.",
      )
      .argument('<source>', 'the document, a file or an address')
      .requiredOption('--api <name>', 'the API, in grants/apis/NAME.yaml')
      .option('--root <folder>', 'the repository', '.')
      .option('--compare', 'write nothing; exit 1 when the document and the API differ')
      .option('--owner <principal>', 'who answers for an API that is new')
      .option('--tier <tier>', 'how closely access to a new API is reviewed', 'high')
      .option('--upstream <address>', 'where a new API is; left out, what the document says')
      .option('--json', 'print what differs as JSON')
      .action(run),
    'grantgate import openapi orders.openapi.yaml --api orders',
    'grantgate import openapi https://orders.internal/openapi.json --api orders --compare',
  );
}

type Options = {
  api: string;
  root: string;
  compare?: true;
  owner?: string;
  tier: string;
  upstream?: string;
  json?: true;
};

async function run(source: string, options: Options): Promise<void> {
  const room = await import('../../bundle/import/importOpenapi.ts');
  const { openSource } = await import('../../bundle/import/openSource.ts');
  const { apiName } = await import('../../bundle/grants/schema.ts');
  const { formatWarning } = await import('../../bundle/yaml/problem.ts');
  if (!apiName.safeParse(options.api).success)
    throw new UsageError(`--api must be a lower-case name like orders, got "${options.api}"`);
  const root = folderOf(options.root);
  const path = `grants/apis/${options.api}.yaml`;
  const before = await readFile(join(root, path), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  const { owner, tier, upstream } = options;
  const terms = { tier, ...(owner !== undefined && { owner }), ...(upstream !== undefined && { upstream }) };
  const { text, drift, unrouted, open } = room.importOpenapi(
    options.api,
    before,
    await openSource(source),
    terms,
  );
  for (const found of unrouted) process.stderr.write(`${formatWarning(found)}\n`);
  const needed = drift.gone.length === 0 ? new Map() : await neededBy(root, options.api);
  const differs = drift.added.length + drift.changed.length + drift.gone.length > 0;
  if (!options.compare && text !== before) {
    const { writeTexts } = await import('../../reviewer/proposal/writeTexts.ts');
    await writeTexts(root, new Map([[path, text]]));
  }
  if (options.json) printJson({ ...drift, unrouted, open });
  else {
    print(drifted(drift, needed, options));
    if (open.length > 0) print(opened(open));
  }
  if (options.compare && differs) process.exitCode = 1;
}

/** The grants that give each operation of an API; empty where the repository has problems, which `check` tells. */
async function neededBy(root: string, api: string): Promise<Map<string, string[]>> {
  const { workingTree } = await import('../../bundle/git/tree.ts');
  const { load } = await import('../../bundle/grants/load.ts');
  const { organisation } = await load(await workingTree(root));
  const found = new Map<string, string[]>();
  for (const grant of organisation?.grants ?? [])
    if (grant.api === api)
      for (const name of grant.covers) found.set(name, [...(found.get(name) ?? []), grant.id]);
  return found;
}

const opened = (open: readonly string[]): string => `
The document says that no credential is needed for ${open.join(', ')}. Here each operation needs a grant, unless the API
opens it to everybody: exceptions: { ${open[0]}: { public: true } }`;

function drifted(
  { added, changed, gone }: Drift,
  needed: ReadonlyMap<string, readonly string[]>,
  { compare, api }: Options,
): string {
  const lines = [
    ...added.map(([name, operation]) => `+ ${name}: ${operation}`),
    ...changed.map(([name, before, after]) => `~ ${name}: ${before} → ${after}`),
    ...gone.map(([name, operation]) => {
      const grants = needed.get(name) ?? [];
      const held = grants.length === 0 ? 'no grant gives it' : `given by ${grants.join(', ')}`;
      return `- ${name}: ${operation} (not in the document any more; ${held}${compare ? '' : '; it was left in place'})`;
    }),
  ];
  if (lines.length === 0) return `${api}: as in the document`;
  const counts = `${added.length} added, ${changed.length} changed, ${gone.length} gone`;
  return [...lines, `${api}: ${counts}${compare ? '; nothing was written' : ''}`].join('\n');
}
