import { ReviewError } from '../reviewError.ts';

/** What an issue made by the form asks for, as texts; whose issue it is says who asks. */
export type IssueForm = {
  api: string;
  role: string | null;
  operations: readonly string[];
  for: string;
  reason: string;
  ticket: string | null;
};

const longest = 20_000;
const labels = ['API', 'Role', 'Operations', 'How long', 'Reason', 'Ticket'] as const;

/**
 * Reads the body that GitHub makes of .github/ISSUE_TEMPLATE/access-request.yml: a heading and an answer for each field.
 * Anybody may write such an issue, so what it holds is text and nothing else. Throws ReviewError `request-refused`.
 */
export function readIssueForm(body: string): IssueForm {
  if (body.length > longest) throw refused(`it is longer than ${longest} characters`);
  const answers = new Map<string, string>();
  let label = '';
  for (const line of body.split(/\r\n|\n|\r/)) {
    const heading = /^### (.+?)\s*$/.exec(line)?.[1];
    const known = labels.find((one) => one === heading);
    if (known !== undefined) {
      if (answers.has(known)) throw refused(`"${known}" is answered twice`);
      label = known;
      answers.set(label, '');
    } else if (label !== '') answers.set(label, `${answers.get(label)}\n${line}`);
  }
  const answer = (name: (typeof labels)[number]) => {
    const text = (answers.get(name) ?? '').trim();
    return text === '' || text === '_No response_' ? null : text;
  };
  const must = (name: (typeof labels)[number]) => {
    const text = answer(name);
    if (text === null) throw refused(`"${name}" is not answered`);
    return text;
  };
  const operations = (answer('Operations') ?? '').split(/[\s,]+/).filter((name) => name !== '');
  const role = answer('Role');
  if ((role === null) === (operations.length === 0))
    throw refused('either "Role" or "Operations" must be answered');
  return {
    api: must('API'),
    role,
    operations,
    for: must('How long'),
    // A reason is one line of a grant.
    reason: must('Reason').replace(/\s+/g, ' '),
    ticket: answer('Ticket'),
  };
}

const refused = (what: string) => new ReviewError('request-refused', `the form: ${what}`);
