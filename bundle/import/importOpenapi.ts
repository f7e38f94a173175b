import type { Problem } from '../bundleError.ts';
import { apiFile } from '../grants/schema.ts';
import { readOpenapi } from '../openapi/readOpenapi.ts';
import { formatProblem } from '../yaml/problem.ts';
import { readChecked } from '../yaml/readFile.ts';
import { compareOperations, type Drift } from './compareOperations.ts';
import { ImportError } from './importError.ts';
import { type ApiFields, newApi } from './newApi.ts';
import type { Source } from './openSource.ts';
import { writeOperations } from './writeOperations.ts';

/** What an import makes of an API's file. */
export type Imported = {
  /** The file's new text; the same as before when nothing was added or changed. */
  text: string;
  drift: Drift;
  /** What of the document cannot be routed. */
  unrouted: Problem[];
  /** Of the operations that are new or changed, those that the document opens to everybody, by name: here none is open. */
  open: string[];
};

/**
 * Imports a document into the API `name`, whose file's text is `before` (null when there is none). Pure: nothing is
 * written. Throws ImportError.
 */
export function importOpenapi(
  name: string,
  before: string | null,
  { document, beside }: Source,
  terms: ApiFields,
): Imported {
  const file = `grants/apis/${name}.yaml`;
  const written = before === null ? null : readChecked(apiFile, Buffer.from(before), file);
  if (written !== null && written.value === undefined)
    throw new ImportError(
      `${written.problems[0] ? formatProblem(written.problems[0]) : file}; mend that first`,
    );
  if (written?.value?.openapi !== undefined)
    throw new ImportError(
      `${file} takes its operations from ${written.value.openapi}: replace that file with the new document, or write "operations" instead`,
    );
  const upstream = written?.value?.upstream ?? terms.upstream ?? '';
  const bare = (URL.parse(upstream)?.pathname ?? '/') !== '/';
  const read = readOpenapi(document, beside, { bare });
  if (read.value === undefined)
    throw new ImportError(read.problems[0] ? formatProblem(read.problems[0]) : 'the document cannot be read');
  const drift = compareOperations(new Map(Object.entries(written?.value?.operations ?? {})), read.value);
  const text =
    before === null ? newApi(name, document.value, read.value, terms) : writeOperations(before, file, drift);
  const addedOrChanged = [
    ...drift.added,
    ...drift.changed.map(([id, , operation]) => [id, operation] as const),
  ];
  const open = addedOrChanged.filter(([, operation]) => read.open.has(operation)).map(([id]) => id);
  const closed = open.filter((id) => written?.value?.exceptions?.[id]?.public !== true);
  return { text, drift, unrouted: read.unrouted, open: closed };
}
