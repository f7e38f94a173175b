import { readFileSync } from 'node:fs';
import { load } from 'js-yaml';
import { z } from 'zod';
import { tokenCauses } from '../../gateway/identity/tokenRefusal.ts';

const rows = z.array(z.tuple([z.string().regex(/^[a-z-]+$/), z.string(), z.string().min(1), z.string()]));
const codes = z.strictObject({
  answers: rows,
  reasons: rows,
  operatorAnswers: rows,
  errors: rows,
  faults: rows,
});

export type Codes = z.output<typeof codes>;

/** codes.yaml, checked. */
export function readCodes(): Codes {
  return codes.parse(load(readFileSync(new URL('./codes.yaml', import.meta.url), 'utf8')));
}

const table = (head: string, given: Codes['answers']) =>
  [
    `| code | ${head} | means | then |\n| --- | --- | --- | --- |`,
    ...given.map(([code, shows, means, then]) => `| \`${code}\` | ${shows} | ${means} | ${then} |`),
  ].join('\n');

/** docs/reference/codes.md */
export function codesPage(): string {
  const { answers, reasons, operatorAnswers, errors, faults } = readCodes();
  return `${[
    '# Codes',
    'Codes are stable: programs may switch on them. Messages are for people and change.',
    '## What callers get',
    'Refusals are `application/problem+json` (RFC 9457) with `code` and, where a decision was made, its `decision_id`. They tell the caller nothing else; the operator’s log and metrics do.',
    table('status', answers),
    '## Reasons of decisions',
    'The code of a denial, and `result.reason` in records. The first that fits is given: the one nearest to a yes. A policy of your own may have others.',
    table('', reasons),
    '## Why a token is refused',
    'The `cause` in the log and in `grantgate_tokens_refused_total`. `grantgate explain --token FILE --config gateway.yaml` tells it of one token.',
    `| cause | means |\n| --- | --- |\n${Object.entries(tokenCauses)
      .map(([cause, means]) => `| \`${cause}\` | ${means} |`)
      .join('\n')}`,
    '## Why an API or an issuer gave no answer',
    'The `cause` in the log and in `grantgate_upstream_failures_total`, `grantgate_jwks_failures_total` and `grantgate_introspection_failures_total`.',
    table('of', faults),
    '## On the other listeners',
    table('status', operatorAnswers),
    '## Errors of commands, sources and bundles',
    'On standard error, in the log, in the details of `/health/ready`. Problems of files under `grants/` come with file, line, column and what was expected; they need no table.',
    table('of', errors),
  ].join('\n\n')}\n`;
}
