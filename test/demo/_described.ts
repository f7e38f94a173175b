import { readFileSync } from 'node:fs';
import { Ajv } from 'ajv';
import type { Watched } from '../../demo/forge/serveApi.ts';

type Operation = { request: object | null; responses: Record<string, object | null> };
type Described = {
  operations: Record<string, Operation>;
  components: { schemas: Record<string, object> };
};

// GitHub's own words on the calls that the reviewer makes; trim.ts beside it makes it anew.
const described = JSON.parse(
  readFileSync(new URL('github/github.json', import.meta.url), 'utf8'),
) as Described;
// Each process that asks compiles anew, so what takes longest of that is left out: the document stays as it is.
const ajv = new Ajv({
  ...{ strict: false, validateFormats: false, validateSchema: false, inlineRefs: false },
  code: { optimize: false },
  schemas: { github: described },
});

const templates = Object.keys(described.operations).map((key) => {
  const [method = '', path = ''] = key.split(' ');
  const pattern = path.replace(/[.]/g, '\\.').replace(/\{[^}]+\}/g, '[^/]+');
  return { key, method, matches: new RegExp(`^/api/v3${pattern}$`) };
});

type Validate = ReturnType<typeof ajv.compile>;
const compiled = new Map<string, Validate>();
function validator(pointer: readonly string[]): Validate {
  const $ref = `github#/${pointer
    .map((step) => encodeURIComponent(step.replaceAll('~', '~0').replaceAll('/', '~1')))
    .join('/')}`;
  const known = compiled.get($ref) ?? ajv.compile({ $ref });
  compiled.set($ref, known);
  return known;
}

const complaintOf = (validate: Validate, value: unknown): string | null =>
  validate(value)
    ? null
    : (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`).join('; ');

/** What of a call or its answer is not as GitHub describes it; null when all is well, or GitHub's description is not kept. */
export function undescribed({ method, path, status, request, body }: Watched): string | null {
  const known = templates.find((one) => one.method === method && one.matches.test(path));
  if (known === undefined) return null;
  const { key } = known;
  const operation = described.operations[key];
  const said = `${method} ${path}`;
  if (operation?.request && status < 400) {
    const complaint = complaintOf(validator(['operations', key, 'request']), request ?? {});
    if (complaint !== null) return `${said} is called with what GitHub does not take: ${complaint}`;
  }
  const schema = operation?.responses[String(status)];
  // GitHub describes few of its errors; what is not there must be one, in the form of them all.
  if (schema === undefined || schema === null) {
    if (status >= 400)
      return typeof (body as { message?: unknown })?.message === 'string' ? null : `${said} says nothing`;
    return status === 204 || status === 304 ? null : `${said} answers ${status}, which GitHub does not`;
  }
  const complaint = complaintOf(validator(['operations', key, 'responses', String(status)]), body);
  return complaint === null ? null : `${said} answers ${status} otherwise than GitHub: ${complaint}`;
}
