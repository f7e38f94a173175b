import type { Problem } from '../bundleError.ts';
import { documentBytes } from '../data/documentLimits.ts';
import { compareCodePoints } from '../format/canonicalJson.ts';
import type { Entry, Files } from '../git/tree.ts';
import { problem, show, sortProblems } from '../yaml/problem.ts';
import { checkEntries } from './checkEntries.ts';
import { dataFile, isData } from './dataFile.ts';
import { documentLines } from './documentLines.ts';
import { mostDocumentBytes, readEntries } from './readEntries.ts';
import { mostSchemaBytes, readSchema, type Schema } from './readSchema.ts';

/** A data document as data.json has it: its lines, sorted, without a line feed at the end. */
export type DataDocument = { name: string; lines: Buffer };

/** A document's files. */
export type DocumentFiles = { name: string; document: Entry; schema: Entry };

/** Kept lines of a document by its files, for whoever compiles the same again. */
export type KeptLines = {
  get: (files: DocumentFiles) => Buffer | null;
  put: (files: DocumentFiles, lines: Buffer) => void;
};

/** `schemas`: of those documents whose schema is one. */
export type ReadDocuments = {
  documents: DataDocument[];
  schemas: ReadonlyMap<string, Schema>;
  /** Name → bytes in data.json; 0 of one with problems. */
  sizes: ReadonlyMap<string, number>;
  problems: Problem[];
};

/** A bundle that holds more would take more than all else. */
const mostDocuments = 100;
const mostTogether = 4 * mostDocumentBytes;

/** Finds the documents of a tree and their schemas, without reading them. Throws what listing the tree throws. */
async function findDocuments(
  tree: Pick<Files, 'entries'>,
): Promise<{ documents: DocumentFiles[]; problems: Problem[] }> {
  const found = new Map<string, { document?: Entry; schema?: Entry }>();
  const problems: Problem[] = [];
  const refuse = (at: string, code: string, message: string) => problems.push(problem(at, code, message));
  for (const entry of await tree.entries()) {
    const { path, kind, size } = entry;
    if (!isData(path)) continue;
    const file = dataFile(path);
    if (file.kind === 'ignored') continue;
    const most = file.kind === 'schema' ? mostSchemaBytes : mostDocumentBytes;
    if (kind !== 'file') refuse(path, 'not-a-file', `${show(path)} is a ${kind}, expected a regular file`);
    else if (file.kind === 'unknown')
      refuse(
        path,
        'unknown-file',
        `${show(path)} is no file of data/, expected NAME.yaml and NAME.schema.json (or .schema.yaml), where NAME is of a-z, 0-9 and _`,
      );
    else if (size > most)
      refuse(path, 'file-too-large', `the file is larger than ${most} bytes, got ${size}`);
    else {
      const known = found.get(file.name) ?? {};
      found.set(file.name, known);
      if (known[file.kind] === undefined) known[file.kind] = entry;
      else
        refuse(path, 'data-schema', `${show(path)}: ${show(known[file.kind]?.path)} is its schema already`);
    }
  }
  const refused = new Set(problems.map(({ file }) => file));
  const documents: DocumentFiles[] = [];
  for (const [name, { document, schema }] of found) {
    if (document !== undefined && schema !== undefined) documents.push({ name, document, schema });
    else if (schema !== undefined && !refused.has(`data/${name}.yaml`))
      refuse(schema.path, 'data-schema', `there is no data/${name}.yaml that this is the schema of`);
    else if (document !== undefined && ![...refused].some((path) => path.startsWith(`data/${name}.schema.`)))
      refuse(
        document.path,
        'data-schema',
        `data/${name}.schema.json (or .schema.yaml) must say what may stand here`,
      );
  }
  if (documents.length > mostDocuments)
    refuse('data', 'data-value', `data/ holds ${documents.length} documents, ${mostDocuments} are the most`);
  const together = documents.reduce((sum, { document }) => sum + document.size, 0);
  if (together > mostTogether)
    refuse(
      'data',
      'file-too-large',
      `data/ holds ${together} bytes of documents, ${mostTogether} are the most`,
    );
  const isBounded = documents.length <= mostDocuments && together <= mostTogether;
  return {
    documents: (isBounded ? documents : []).sort((a, b) => compareCodePoints(a.name, b.name)),
    problems,
  };
}

/**
 * Reads the data documents of a tree, sorted by name, and holds each against its schema; one with problems is left out.
 * What `kept` knows is not read again. Throws what reading the tree throws.
 */
export async function readDocuments(tree: Files, kept?: KeptLines): Promise<ReadDocuments> {
  const { documents: found, problems } = await findDocuments(tree);
  const documents: DataDocument[] = [];
  const schemas = new Map<string, Schema>();
  for (const files of found) {
    const { name, document, schema } = files;
    const known = kept?.get(files) ?? null;
    if (known !== null) {
      documents.push({ name, lines: known });
      continue;
    }
    // One after the other: a large one takes much while it is read.
    const read = await readOne(tree, document.path, schema.path);
    problems.push(...read.problems);
    if (read.schema !== null) schemas.set(name, read.schema);
    if (read.problems.length > 0) continue;
    documents.push({ name, lines: read.lines });
    kept?.put(files, read.lines);
  }
  const known = new Map(documents.map(({ name, lines }) => [name, documentBytes(lines.length)]));
  const sizes = new Map(found.map(({ name }) => [name, known.get(name) ?? 0]));
  return { documents, schemas, sizes, problems: sortProblems(problems) };
}

async function readOne(tree: Files, path: string, schemaPath: string) {
  const bytes = await tree.read([path, schemaPath]);
  const { schema, problems } = readSchema(bytes.get(schemaPath) ?? Buffer.alloc(0), schemaPath);
  const entries = readEntries(bytes.get(path) ?? Buffer.alloc(0), path);
  problems.push(...entries.problems);
  if (entries.problems.length > 0) return { lines: Buffer.alloc(0), schema: schema?.value ?? null, problems };
  const written = documentLines(entries);
  problems.push(...written.problems);
  // What an entry may take at most holds for what it is held against, too.
  if (schema !== null && written.isBounded) problems.push(...checkEntries(entries, schema));
  return { lines: written.lines, schema: schema?.value ?? null, problems };
}
