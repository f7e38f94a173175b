import { isMapping } from '../format/isMapping.ts';
import { apiFile } from '../grants/schema.ts';
import { readChecked } from '../yaml/readFile.ts';
import type { Operations } from './compareOperations.ts';
import { ImportError } from './importError.ts';

/** What a document does not say of an API. */
export type ApiFields = { owner?: string; tier?: string; upstream?: string };

/**
 * The YAML of an API that is not there yet: description and upstream from the document where it has them, its route a
 * prefix of its name, no roles. Throws ImportError, which names what is missing.
 */
export function newApi(name: string, document: unknown, operations: Operations, terms: ApiFields): string {
  const root = isMapping(document) ? document : {};
  const info = isMapping(root.info) ? root.info : {};
  const title = typeof info.title === 'string' && info.title.trim() !== '' ? info.title.trim() : name;
  const upstream = terms.upstream ?? originOf(root);
  if (terms.owner === undefined || upstream === null)
    throw new ImportError(
      `there is no API ${name} yet: name ${[
        terms.owner === undefined && '--owner',
        upstream === null && '--upstream',
      ]
        .filter(Boolean)
        .join(' and ')} to have it written`,
    );
  const text = `api: ${name}
description: ${JSON.stringify(title.slice(0, 500))}
owner: ${JSON.stringify(terms.owner)}
tier: ${JSON.stringify(terms.tier ?? 'high')}
upstream: ${JSON.stringify(upstream)}
route: { prefix: /${name}, strip: true }
operations:
${[...operations].map(([id, operation]) => `  ${id}: ${operation}\n`).join('')}`;
  const { problems } = readChecked(apiFile, Buffer.from(text), `grants/apis/${name}.yaml`);
  if (problems[0] !== undefined) throw new ImportError(`the API cannot be written: ${problems[0].message}`);
  return text;
}

function originOf(root: Record<string, unknown>): string | null {
  const server: unknown = Array.isArray(root.servers) ? root.servers[0] : undefined;
  const url = isMapping(server) && typeof server.url === 'string' ? URL.parse(server.url) : null;
  if (url !== null && /^https?:$/.test(url.protocol) && !url.host.includes('%7B')) return url.origin;
  if (typeof root.host !== 'string' || !/^[A-Za-z0-9.:-]+$/.test(root.host)) return null;
  const schemes: unknown = root.schemes;
  return `${Array.isArray(schemes) && !schemes.includes('https') && schemes.includes('http') ? 'http' : 'https'}://${root.host}`;
}
