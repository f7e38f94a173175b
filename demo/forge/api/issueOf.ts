import { notFound } from '../model/apiError.ts';
import { findIssue } from '../model/core.ts';
import type { Issue } from '../model/state.ts';
import type { Call } from './call.ts';

export function issueOf(call: Call): Issue {
  const issue = findIssue(call.core, Number(call.params.number));
  if (issue === undefined) throw notFound();
  return issue;
}
