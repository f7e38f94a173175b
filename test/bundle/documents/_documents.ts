import { readDocuments } from '../../../bundle/documents/readDocuments.ts';
import { type Files, withFiles } from '../../../bundle/git/tree.ts';
import { formatProblem } from '../../../bundle/yaml/problem.ts';

export const nothing: Files = {
  entries: async () => [],
  list: async () => [],
  read: async () => new Map(),
  stream: async function* () {},
};
export const read = (files: Record<string, string | Buffer>) =>
  readDocuments(
    withFiles(nothing, new Map(Object.entries(files).map(([path, text]) => [path, Buffer.from(text)]))),
  );
export const told = async (files: Record<string, string | Buffer>) =>
  (await read(files)).problems.map(formatProblem);

export const schema = (entry: object, more: object = {}) =>
  JSON.stringify({ type: 'object', additionalProperties: entry, ...more });
export const tenant = {
  type: 'object',
  properties: { region: { enum: ['eu', 'us'] }, seats: { type: 'integer', minimum: 1 } },
  required: ['region'],
  additionalProperties: false,
};

export const files: [what: string, files: Record<string, string>, problem: string][] = [
  [
    'a document without a schema',
    { 'data/a.yaml': '' },
    'data/a.yaml:1:1: data/a.schema.json (or .schema.yaml) must say what may stand here',
  ],
  [
    'a schema without a document',
    { 'data/a.schema.json': '{}' },
    'data/a.schema.json:1:1: there is no data/a.yaml that this is the schema of',
  ],
  [
    'two schemas of one document',
    { 'data/a.yaml': '', 'data/a.schema.json': '{}', 'data/a.schema.yaml': '{}' },
    'data/a.schema.yaml:1:1: "data/a.schema.yaml": "data/a.schema.json" is its schema already',
  ],
];
