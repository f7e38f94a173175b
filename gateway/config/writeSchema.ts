// `node gateway/config/writeSchema.ts` writes gateway.schema.json anew after a change to the definition; a test says when it is due.
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { gatewayConfig } from './gatewayConfig.ts';

/** The JSON Schema (draft 2020-12) of gateway.yaml, as editors use it: what is written by hand, before defaults. */
export function configSchema(): string {
  const generated = z.toJSONSchema(gatewayConfig, { io: 'input', unrepresentable: 'any' });
  return `${JSON.stringify({ title: 'How a gateway runs: gateway.yaml', ...generated }, null, 2)}\n`;
}

if (import.meta.main)
  await writeFile(fileURLToPath(new URL('./gateway.schema.json', import.meta.url)), configSchema());
