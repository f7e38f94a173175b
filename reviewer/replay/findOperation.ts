import { shapeOf } from '../../bundle/openapi/pathTemplate.ts';
import type { Question } from '../../gateway/decision/decision.ts';
import type { Snapshot } from '../../gateway/revision/snapshot.ts';
import type { RecordedRequest } from '../evidence/requests.ts';

/** What a recorded request is, for one revision. */
export type Found = Pick<Question, 'route' | 'method'>;

type Apis = Snapshot['apis'];
type Named = Pick<RecordedRequest, 'operation' | 'method' | 'path'>;

/** Finds the operations of one revision by method and path template, as its router would, and by name. */
export type FindOperation = {
  byPath(api: string, asked: Named): Found | null;
  byName(api: string, asked: Named): Found | null;
};

/** Tables of an API's operations are made when it is first asked about, and kept. */
export function createFindOperation(apis: Apis): FindOperation {
  const tables = new Map<string, Map<string, Found>>();
  const found = (api: string, operation: string, signature: string): Found => {
    const space = signature.indexOf(' ');
    const [method, template] = [signature.slice(0, space), signature.slice(space + 1)];
    // The decision sees no more of a route than this.
    return { method, route: { api, operation, template, upstream: '', base: '', strip: 0 } };
  };
  const tableOf = (api: string): ReadonlyMap<string, Found> => {
    const known = tables.get(api);
    if (known !== undefined) return known;
    const table = new Map<string, Found>();
    for (const [operation, signature] of Object.entries(apis.get(api)?.operations ?? {})) {
      const one = found(api, operation, signature);
      table.set(`${one.method} ${shapeOf(one.route.template)}`, one);
    }
    tables.set(api, table);
    return table;
  };
  /** A request keeps its own method: what is declared as GET answers HEAD too. */
  const as = (one: Found | undefined, method: string | null): Found | null =>
    one === undefined ? null : { ...one, method: method ?? one.method };
  return {
    byPath(api, { method, path }) {
      if (method === null || path === null) return null;
      const table = tableOf(api);
      const shape = shapeOf(path);
      return as(
        table.get(`${method} ${shape}`) ?? (method === 'HEAD' ? table.get(`GET ${shape}`) : undefined),
        method,
      );
    },
    byName(api, { operation, method }) {
      const operations = apis.get(api)?.operations;
      if (operation === null || operations === undefined || !Object.hasOwn(operations, operation))
        return null;
      return as(found(api, operation, operations[operation] ?? ''), method);
    },
  };
}
