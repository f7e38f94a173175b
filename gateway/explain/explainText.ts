import { instantOf } from '../../bundle/format/times.ts';
import type { Change } from '../../bundle/git/changesOf.ts';
import type { ExplainedGrant, ExplainQuestion, Explanation } from './explanation.ts';

/** An explanation in words, as lines for a terminal. */
export function explainText(asked: ExplainQuestion, explanation: Explanation): string {
  const { revision, operation, allowed, reason, grants, data = [], ask, input } = explanation;
  const call = 'operation' in asked.call ? asked.call.operation : `${asked.call.method} ${asked.call.path}`;
  const lines: string[] = [];
  if (operation === null) lines.push(`DENIED (${reason}): ${call} is no operation of ${asked.api}.`);
  else {
    const may = allowed ? 'may' : 'may not';
    lines.push(
      `${allowed ? 'ALLOWED' : `DENIED (${reason})`}: ${asked.subject} ${may} call ${operation.operation} of ${asked.api}.`,
      `${operation.method} ${operation.address}, ${circumstances(asked)}, by ${revision === null ? 'the files on disk' : `revision ${revision}`}.`,
    );
    if (input !== null && input.groups.length > 0) lines.push(`Groups: ${input.groups.join(', ')}.`);
    lines.push('', grants.length === 0 ? 'No grant of this API is for the caller.' : 'Grants considered:');
    for (const grant of grants) lines.push(...grantLines(grant, asked.subject));
  }
  if (data.length > 0) lines.push('', 'Data considered:');
  for (const { document, key, value } of data)
    lines.push(
      `  ${document}[${JSON.stringify(key)}]: ${value === null ? 'none' : short(JSON.stringify(value))}`,
    );
  if (ask !== null) lines.push('', ask.sentence);
  return plain(lines);
}

const short = (text: string) => (text.length > 200 ? `${text.slice(0, 199)}…` : text);

function circumstances({ time, networks, mfa }: ExplainQuestion): string {
  const where = networks.length === 0 ? 'from no declared network' : `from ${networks.join(', ')}`;
  return `at ${instantOf(time)}, ${where}, with${mfa ? '' : 'out'} a second factor`;
}

function grantLines({ id, principal, holds, sentence, origin }: ExplainedGrant, subject: string): string[] {
  const through = principal === subject ? '' : ` (through ${principal})`;
  const lines = [`  ${holds ? '+' : '-'} ${id}${through} ${sentence}`];
  if (origin === null) return lines;
  const { file, line, role, reason, added, changed } = origin;
  lines.push(`      ${file}:${line}${role === null ? '' : `, role ${role}`}: ${reason}`);
  if (added !== null) lines.push(`      added ${changeText(added)}`);
  if (changed !== null) lines.push(`      changed ${changeText(changed)}`);
  return lines;
}

function changeText({ commit, author, at, subject, pull_request }: Change): string {
  const by = pull_request === null ? '' : `, pull request #${pull_request}`;
  return `${at.slice(0, 10)} by ${author} in ${commit.slice(0, 12)}${by}: ${subject}`;
}

/** What people wrote into commits and files must not move the reader's cursor. */
const plain = (lines: readonly string[]) =>
  lines.map((line) => line.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, '?')).join('\n');
