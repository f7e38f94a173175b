// `npm run docs` writes docs/reference/ anew after a change to what it tells; a test says when it is due.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { jsonSchemas } from '../../bundle/grants/jsonSchemas.ts';
import { configSchema } from '../../gateway/config/writeSchema.ts';
import { codesPage } from './codesPage.ts';
import { commandsPage } from './commandsPage.ts';
import { manPage } from './manPage.ts';
import { metricsPage } from './metricsPage.ts';
import { type Schema, schemaTable } from './schemaPage.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

function grantsPage(): string {
  const parts = [...jsonSchemas()].map(([, text]) => {
    const schema = JSON.parse(text) as Schema;
    const inner = schema.type === 'array' && schema.items !== undefined ? schema.items : schema;
    return `## ${schema.title ?? ''}\n\n${schemaTable(inner)}`;
  });
  return `${[
    '# Files under grants/',
    'Unknown keys are errors. `NAME` in a path stands for names of your own, `[]` for each entry of a list. The JSON Schemas that editors use are in [grants/schema](../../grants/schema).',
    ...parts,
  ].join('\n\n')}\n`;
}

function gatewayPage(): string {
  return `${[
    '# gateway.yaml',
    'Unknown keys are errors. Times are written 500ms, 30s, 5min, 2h or 7d, sizes 4kB, 10MB or 1GB; a secret is `{ env: NAME }` or `{ file: PATH }`. Editors check and complete it by [gateway.schema.json](../../gateway/config/gateway.schema.json); [gateway.example.yaml](../../gateway.example.yaml) shows every key.',
    schemaTable(JSON.parse(configSchema()) as Schema),
  ].join('\n\n')}\n`;
}

/** Name below docs/reference/ → text. */
export function referencePages(): Map<string, string> {
  return new Map([
    ['codes.md', codesPage()],
    ['commands.md', commandsPage()],
    ['grantgate.1', manPage()],
    ['gateway.md', gatewayPage()],
    ['grants.md', grantsPage()],
    ['metrics.md', metricsPage(root)],
  ]);
}

if (import.meta.main) {
  const folder = join(root, 'docs', 'reference');
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of referencePages()) writeFileSync(join(folder, name), text);
  process.stdout.write(`${referencePages().size} pages in ${folder}\n`);
}
