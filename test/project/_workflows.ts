import { load as parse } from 'js-yaml';

type Step = {
  uses?: string;
  run?: string;
  with?: Record<string, unknown>;
  env?: Record<string, unknown>;
};
type Job = {
  if?: unknown;
  'runs-on'?: string;
  'timeout-minutes'?: number;
  permissions?: unknown;
  env?: Record<string, unknown>;
  steps?: Step[];
};
type Workflow = {
  on?: unknown;
  permissions?: unknown;
  concurrency?: { group?: string; 'cancel-in-progress'?: boolean };
  env?: Record<string, unknown>;
  jobs?: Record<string, Job>;
};

const pinned =
  /^\s*(?:- )?uses: [A-Za-z0-9-]+\/[A-Za-z0-9._-]+(?:\/[A-Za-z0-9._/-]+)?@[0-9a-f]{40} # v\d+\.\d+\.\d+$/;
/** Runs of npm scripts only: what is worth testing stands where it can be tested. */
const script = /^npm (?:test|run --silent ([a-z:]+)(?: -- [a-z][a-z -]*)?)$/;

function triggers(on: unknown): string[] {
  if (typeof on === 'string') return [on];
  return Array.isArray(on) ? on.map(String) : Object.keys((on ?? {}) as object);
}

/** What is wrong with a workflow (its YAML), as sentences. `scripts` are the names in package.json. */
export function workflowProblems(text: string, scripts: readonly string[]): string[] {
  const problems: string[] = [];
  const workflow = parse(text) as Workflow;
  const on = triggers(workflow.on);
  if (on.length === 0) problems.push('no trigger');
  if (on.includes('pull_request_target'))
    problems.push('pull_request_target runs with secrets on behalf of strangers');
  // After a stranger's run only code of the default branch, and no name, branch or text that a stranger wrote.
  if (on.includes('workflow_run'))
    for (const { steps = [] } of Object.values(workflow.jobs ?? {}))
      for (const step of steps)
        if (
          step.uses?.startsWith('actions/checkout@') &&
          ('ref' in (step.with ?? {}) || 'repository' in (step.with ?? {}))
        )
          problems.push('workflow_run checks out what a stranger wrote');
  // Anybody may comment: only those who belong here may start something with it.
  const known = `contains(fromJSON('["OWNER", "MEMBER", "COLLABORATOR"]'), github.event.comment.author_association)`;
  if (on.includes('issue_comment'))
    for (const job of Object.values(workflow.jobs ?? {}))
      if (!String(job.if ?? '').endsWith(`&& ${known}`))
        problems.push('issue_comment runs with secrets on behalf of strangers');
  if (JSON.stringify(workflow.permissions) !== '{}')
    problems.push('permissions must be {} for the workflow as a whole');
  if (!workflow.concurrency?.group || workflow.concurrency['cancel-in-progress'] === undefined)
    problems.push('concurrency must be settled');
  if (
    /\$\{\{[^}]*\bgithub\.(?:event(?!\.issue\.number\b|\.merge_group\.base_sha\b|\.workflow_run\.(?:id|head_sha|event)\b)|head_ref)\b/.test(
      text,
    )
  )
    problems.push('text that strangers write is interpolated');
  for (const line of text.split('\n'))
    if (/^\s*(?:- )?uses:/.test(line) && !pinned.test(line))
      problems.push(`not pinned by commit, with its version beside it: ${line.trim()}`);
  if (mentions(workflow.env, 'secrets')) problems.push('a secret is given to every job');
  for (const [name, job] of Object.entries(workflow.jobs ?? {}))
    problems.push(...jobProblems(job, on, scripts).map((problem) => `job ${name}: ${problem}`));
  return problems;
}

function jobProblems(job: Job, on: readonly string[], scripts: readonly string[]): string[] {
  const problems: string[] = [];
  if (!/^[a-z]+-\d+(?:\.\d+)?$/.test(job['runs-on'] ?? '')) problems.push('runs-on must name a version');
  const minutes = job['timeout-minutes'];
  if (typeof minutes !== 'number' || minutes > 60) problems.push('timeout-minutes must be 60 at most');
  if (typeof job.permissions !== 'object' || job.permissions === null)
    problems.push('permissions must be listed');
  else if (
    on.some((name) => name.startsWith('pull_request')) &&
    Object.values(job.permissions).includes('write')
  )
    problems.push('code of a pull request runs with a token that writes');
  if (mentions(job.env, 'secrets')) problems.push('a secret is given to every step');
  for (const step of job.steps ?? []) {
    if (step.uses?.startsWith('actions/checkout@') && step.with?.['persist-credentials'] !== false)
      problems.push('the checkout leaves its token behind');
    if (step.run === undefined) continue;
    const named = script.exec(step.run.trim());
    if (named === null) problems.push(`logic that no test reaches: ${step.run.trim()}`);
    else if (named[1] !== undefined && !scripts.includes(named[1]))
      problems.push(`package.json has no script "${named[1]}"`);
    if (
      on.some((name) => name.startsWith('pull_request')) &&
      (mentions(step.env, 'secrets') || mentions(step.with, 'secrets'))
    )
      problems.push('code of a pull request is given a secret');
  }
  return problems;
}

const mentions = (value: unknown, context: string) =>
  new RegExp(`\\$\\{\\{[^}]*\\b${context}\\b`).test(JSON.stringify(value ?? null));
