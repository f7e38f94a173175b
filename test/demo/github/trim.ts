// Trims GitHub's own OpenAPI description to the calls that the reviewer makes, and of those to what can be checked:
//   npm pack @octokit/openapi@23.0.2 && tar xzf octokit-openapi-23.0.2.tgz package/generated/api.github.com.json
//   node test/demo/github/trim.ts package/generated/api.github.com.json
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
type Node = { [key: string]: Json };

const repository = '/repos/{owner}/{repo}';
/** Path → methods. */
const used: Readonly<Record<string, readonly string[]>> = {
  '/app/installations/{installation_id}/access_tokens': ['post'],
  [`${repository}`]: ['get'],
  [`${repository}/pulls`]: ['get', 'post'],
  [`${repository}/pulls/{pull_number}`]: ['get', 'patch'],
  [`${repository}/pulls/{pull_number}/merge`]: ['put'],
  [`${repository}/pulls/{pull_number}/reviews`]: ['get', 'post'],
  [`${repository}/pulls/{pull_number}/comments`]: ['get', 'post'],
  [`${repository}/pulls/comments/{comment_id}`]: ['patch'],
  [`${repository}/pulls/comments/{comment_id}/reactions`]: ['post'],
  [`${repository}/pulls/{pull_number}/files`]: ['get'],
  [`${repository}/pulls/{pull_number}/requested_reviewers`]: ['post'],
  [`${repository}/issues`]: ['get', 'post'],
  [`${repository}/issues/{issue_number}`]: ['get', 'patch'],
  [`${repository}/issues/{issue_number}/labels`]: ['get', 'post'],
  [`${repository}/issues/{issue_number}/comments`]: ['get', 'post'],
  [`${repository}/issues/comments/{comment_id}`]: ['get', 'patch'],
  [`${repository}/issues/comments/{comment_id}/reactions`]: ['get', 'post'],
  [`${repository}/collaborators/{username}/permission`]: ['get'],
  [`${repository}/commits/{ref}/status`]: ['get'],
  [`${repository}/commits/{ref}/check-runs`]: ['get'],
  [`${repository}/statuses/{sha}`]: ['post'],
  [`${repository}/check-runs`]: ['post'],
  [`${repository}/check-runs/{check_run_id}`]: ['get', 'patch'],
};

const isNode = (value: Json | undefined): value is Node =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** What says nothing that could be checked. */
const chatter = new Set([
  'description',
  'example',
  'examples',
  'title',
  'summary',
  'externalDocs',
  'default',
]);

/** A schema without its chatter; below `properties` every key is a name. */
function bare(value: Json, names = false): Json {
  if (Array.isArray(value)) return value.map((item) => bare(item));
  if (!isNode(value)) return value;
  // OpenAPI's word for what JSON Schema says otherwise.
  if (value.nullable === true && !names) {
    const { nullable: _, ...rest } = value;
    return typeof rest.type === 'string' && rest.enum === undefined
      ? bare({ ...rest, type: [rest.type, 'null'] })
      : { anyOf: [bare(rest), { type: 'null' }] };
  }
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, item]): [string, Json][] =>
      !names && (chatter.has(key) || key.startsWith('x-')) ? [] : [[key, bare(item, key === 'properties')]],
    ),
  );
}

const [source] = process.argv.slice(2);
if (source === undefined) throw new Error('usage: node test/demo/github/trim.ts api.github.com.json');
const whole = JSON.parse(readFileSync(source, 'utf8')) as Node;

function at(pointer: string): Json {
  const steps = pointer.replace('#/', '').split('/');
  return steps.reduce<Json>((value, step) => (isNode(value) ? (value[step] ?? null) : null), whole);
}
const followed = (value: Json | undefined): Node => {
  if (!isNode(value)) return {};
  return typeof value.$ref === 'string' ? followed(at(value.$ref)) : value;
};
const jsonOf = (value: Json | undefined): Json => {
  const content = followed(value).content;
  const media = isNode(content) ? content['application/json'] : undefined;
  return isNode(media) && media.schema !== undefined ? bare(media.schema) : null;
};

const operations: Node = {};
for (const [path, methods] of Object.entries(used))
  for (const method of methods) {
    const operation = followed(followed(at('#/paths'))[path])[method];
    if (!isNode(operation)) throw new Error(`GitHub has no ${method} ${path}`);
    const responses = followed(operation.responses);
    operations[`${method.toUpperCase()} ${path}`] = {
      request: jsonOf(operation.requestBody),
      responses: Object.fromEntries(Object.entries(responses).map(([status, one]) => [status, jsonOf(one)])),
    };
  }

/** The schemas that are referred to, and those that these refer to. */
const schemas: Node = {};
for (let open: Json[] = [operations]; open.length > 0; ) {
  const refs = [...JSON.stringify(open).matchAll(/"\$ref":"#\/components\/schemas\/([^"]+)"/g)];
  const fresh = [...new Set(refs.map(([, name = '']) => name))].filter((name) => !(name in schemas));
  open = fresh.map((name) => {
    const schema = bare(at(`#/components/schemas/${name}`));
    schemas[name] = schema;
    return schema;
  });
}
const info = followed(whole.info);
const sorted = Object.fromEntries(Object.entries(schemas).sort(([a], [b]) => (a < b ? -1 : 1)));
const trimmed = {
  source: '@octokit/openapi',
  version: info.version ?? null,
  operations,
  components: { schemas: sorted },
};
// `biome check --write` folds it.
writeFileSync(
  fileURLToPath(new URL('github.json', import.meta.url)),
  `${JSON.stringify(trimmed, null, 2)}\n`,
);
