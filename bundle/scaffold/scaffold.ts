import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Problem } from '../bundleError.ts';
import { jsonSchemas } from '../grants/jsonSchemas.ts';
import { apiFile } from '../grants/schema.ts';
import { importOpenapi } from '../import/importOpenapi.ts';
import { newApi } from '../import/newApi.ts';
import type { Source } from '../import/openSource.ts';
import { readChecked } from '../yaml/readFile.ts';
import { nextSteps } from './nextSteps.ts';
import type { Answers } from './readAnswers.ts';

type Options = {
  answers: Answers;
  /** The OpenAPI document of the API, if there is one. */
  source: Source | null;
  /** Where it will lie, absolute. */
  root: string;
  /** The branch that is enforced. */
  branch: string;
  /** Milliseconds since 1970. */
  nowMs: number;
};

export type Scaffold = {
  /** Path → text. */
  files: ReadonlyMap<string, string>;
  /** What of the document cannot be routed. */
  unrouted: readonly Problem[];
};

/** The files of a new grants repository. Throws ImportError. */
export function scaffold({ answers, source, root, branch, nowMs }: Options): Scaffold {
  const { api, owner, people } = answers;
  const at = new Date(nowMs).toISOString();
  const { text, unrouted } = apiText(answers, source);
  const files = new Map<string, string>([
    [`grants/apis/${api}.yaml`, text],
    [`grants/access/${api}/owners.yaml`, accessText(answers, at.slice(0, 10))],
    ['grants/directory/hand.yaml', directoryText(owner, people, at.replace(/\.\d+Z$/, 'Z'))],
    ['grants/review.yaml', reviewText],
    [`tests/${api}.yaml`, examplesText(answers, text, at.slice(0, 10))],
    ['grants/README.md', nextSteps(answers, branch)],
    ['gateway.yaml', gatewayText(root, branch)],
    ['.github/CODEOWNERS', codeownersText(people)],
  ]);
  for (const [name, schema] of jsonSchemas()) files.set(`grants/schema/${name}`, schema);
  for (const [path, copied] of templates())
    files.set(
      path,
      copied
        .replaceAll('OWNER/grantgate@COMMIT', answers.action ?? 'OWNER/grantgate@COMMIT')
        .replaceAll('origin/BRANCH', `origin/${branch}`)
        .replaceAll('"BRANCH"', JSON.stringify(branch))
        .replaceAll('refs/heads/BRANCH', `refs/heads/${branch}`),
    );
  return { files, unrouted };
}

function apiText(answers: Answers, source: Source | null): { text: string; unrouted: readonly Problem[] } {
  const { api, owner, upstream } = answers;
  const terms = { owner, tier: 'high', ...(upstream === null ? {} : { upstream }) };
  const made =
    source === null
      ? { text: newApi(api, {}, examples, terms), unrouted: [] }
      : importOpenapi(api, null, source, terms);
  const { value } = readChecked(apiFile, Buffer.from(made.text), `grants/apis/${api}.yaml`);
  const operations = Object.entries(value?.operations ?? {});
  const reads = operations.filter(([, operation]) => /^(?:GET|HEAD) /.test(operation)).map(([name]) => name);
  const reader = reads.length > 0 ? reads : operations.map(([name]) => name).slice(0, 1);
  const roles = `roles:\n  reader:\n${reader.map((name) => `    - ${name}\n`).join('')}`;
  const note = source === null ? '# Two examples: put the operations of your API in their place.\n' : '';
  const body = made.text.replace(/^operations:$/m, `${note}operations:`);
  return { text: `${schemaLine('../schema/api.json')}${body}${roles}`, unrouted: made.unrouted };
}

const examples = new Map([
  ['listItems', 'GET /items'],
  ['createItem', 'POST /items'],
]);

const schemaLine = (path: string) => `# yaml-language-server: $schema=${path}\n`;

const accessText = ({ api, owner }: Answers, today: string) => `${schemaLine('../../schema/access.json')}\
# Who may use it. Ids are never used twice, not even after a grant is gone.
- id: ${api}-owners-read
  principal: ${JSON.stringify(owner)}
  api: ${api}
  role: reader
  reason: Those who answer for the API look after it
  owner: ${JSON.stringify(owner)}
  granted: ${today}
`;

/** Whoever looks after it may read it, and whom nobody knows may not; they stay true until somebody changes access. */
function examplesText({ api, owner, people }: Answers, text: string, today: string): string {
  const { roles } = readChecked(apiFile, Buffer.from(text), `grants/apis/${api}.yaml`).value ?? {};
  const example = (who: string, rest: string, why: string) => `\
- who: ${JSON.stringify(`user:${who}`)}
  api: ${api}
  operation: ${JSON.stringify(roles?.reader?.[0] ?? '')}
  at: ${today}
  ${rest}
  why: ${JSON.stringify(why)}
`;
  const [known] = people;
  const allowed = `expect: allow\n  grants: [${api}-owners-read]`;
  return `${schemaLine('../grants/schema/tests.json')}\
# Decisions that must come out like this: \`grantgate check\` and \`grantgate test\` try them.
${known === undefined ? '' : example(known.login, allowed, `They are in ${owner}, who look after the API`)}\
${example('stranger@example.invalid', 'expect: deny\n  reason: principal-unknown', 'No directory knows them')}`;
}

/** By hand until `grantgate sync` takes over: then this file goes, and no id or login changes its meaning. */
const directoryText = (
  owner: string,
  people: Answers['people'],
  at: string,
) => `${schemaLine('../schema/directory.json')}\
# People and groups, by hand. \`grantgate sync\` writes such files from an identity provider; this one can go then.
provider: hand
synced: ${at}
complete: true
people:
${people
  .map(
    ({ login, github }, index) => `  - login: ${JSON.stringify(login)}
    id: hand-${index + 1}
    status: active
${github === undefined ? '' : `    github: ${github}\n`}`,
  )
  .join('')}groups:
  - name: ${JSON.stringify(owner.slice('group:'.length))}
    members:
${people.map(({ login }) => `      - ${JSON.stringify(`user:${login}`)}\n`).join('')}`;

const reviewText = `${schemaLine('./schema/review.json')}\
# How access is reviewed. What is not said here keeps its default.
unknown_names: refuse # a principal or owner that no directory knows fails the check
`;

const gatewayText = (root: string, branch: string) => `\
# A gateway for this repository, on this machine. \`grantgate doctor --config gateway.yaml\` says what it lacks.
bundle:
  # In production the forge: git+https://HOST/REPOSITORY#${branch}, with \`token: { env: GRANTGATE_GIT_TOKEN }\`.
  source: ${JSON.stringify(`git+${pathToFileURL(root).href}#${branch}`)}
listen: { host: 127.0.0.1, port: 8080 }
admin: { host: 127.0.0.1, port: 9090 }
# Who signs the tokens of your people. Without one, only services with an API key get in (\`grantgate key new\`).
# issuers:
#   - issuer: https://login.example.com
#     audience: grantgate
#     login_claim: email
`;

function codeownersText(people: Answers['people']): string {
  const owners = people.flatMap(({ github }) => (github === undefined ? [] : [`@${github}`]));
  const line = owners.length === 0 ? '# * @ORGANISATION/TEAM' : `* ${owners.join(' ')}`;
  return `# Who is asked to approve; \`approval\` in grants/review.yaml says who must. What is in policies/ and data/ decides, too.\n${line}\n`;
}

/** What is copied, by its path in the repository; a dot goes before its first name. */
function templates(): [path: string, text: string][] {
  const folder = fileURLToPath(new URL('./template', import.meta.url));
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry): [string, string] => {
      const file = join(entry.parentPath, entry.name);
      return [`.${file.slice(folder.length + 1)}`, readFileSync(file, 'utf8')];
    })
    .sort(([a], [b]) => (a < b ? -1 : 1));
}
