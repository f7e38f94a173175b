import { type Command, Option } from 'commander';
import { type AdminTokenOption, adminTokenOf, adminTokenOption } from '../arguments/adminToken.ts';
import { instantAsOf } from '../arguments/instantAsOf.ts';
import { example, folderOf, print, printJson } from '../terminal.ts';

export function inventory(program: Command): void {
  example(
    program
      .command('inventory')
      .description(
        'List who holds which operation: through which groups, by which grant, until when, last used when.',
      )
      .option('--root <folder>', 'the repository with grants/', '.')
      .addOption(
        new Option('--by <view>', 'what the list goes by')
          .choices(['api', 'person', 'group', 'grant'])
          .default('api'),
      )
      .option('--decisions <paths...>', 'decision logs to tell use by: folders, files or globs')
      .option('--usage <places...>', "the same of gateways' roll-ups, and addresses of admin listeners")
      .addOption(adminTokenOption())
      .option('--as-of <time>', 'the instant to tell of (RFC 3339); now, when left out')
      .addOption(new Option('--json', 'print it as JSON').conflicts(['csv', 'html']))
      .addOption(
        new Option('--csv', 'print a line for each operation somebody holds').conflicts(['json', 'html']),
      )
      .addOption(new Option('--html', 'print one page that needs nothing else').conflicts(['json', 'csv']))
      .action(runInventory),
    'grantgate inventory --by person',
    'grantgate inventory --decisions decisions/ --html > inventory.html',
    'grantgate inventory --usage http://10.0.0.1:9090 --by grant',
  );
}

type Options = AdminTokenOption & {
  root: string;
  by: string;
  decisions?: string[];
  usage?: string[];
  asOf?: string;
  json?: true;
  csv?: true;
  html?: true;
};

async function runInventory(options: Options): Promise<void> {
  const { gatherInventory } = await import('../../reviewer/inventory/gatherInventory.ts');
  const { views } = await import('../../reviewer/inventory/inventory.ts');
  const asOfMs = instantAsOf(options);
  const by = views.find((view) => view === options.by) ?? 'api';
  const found = await gatherInventory({
    root: folderOf(options.root),
    decisions: options.decisions ?? null,
    usage: options.usage ?? null,
    adminToken: adminTokenOf(options),
    asOf: Math.floor(asOfMs / 1000),
    missing: (file, reason) =>
      process.stderr.write(`${file} cannot be read, so uses may be missing: ${reason}\n`),
  });
  if (options.json)
    printJson((await import('../../reviewer/inventory/inventoryJson.ts')).inventoryJson(found, by));
  else if (options.html)
    print((await import('../../reviewer/inventory/inventoryPage.ts')).inventoryPage(found));
  else if (options.csv)
    for (const row of (await import('../../reviewer/inventory/inventoryCsv.ts')).inventoryCsv(found, by))
      print(row);
  else {
    const { inventoryText } = await import('../../reviewer/inventory/inventoryText.ts');
    for (const line of inventoryText(found, by, process.stdout.columns ?? 80)) print(line);
  }
}
