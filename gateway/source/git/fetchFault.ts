import { SourceError } from '../contract/source.ts';

/** Why a fetch failed, from what Git says in the C locale. */
export function fetchFault(stderr: string, branch: string): SourceError {
  const reason = lastLine(stderr);
  if (/couldn't find remote ref/i.test(stderr))
    return new SourceError('branch-missing', `the repository has no branch "${branch}"`);
  if (/\.lock': File exists|cannot lock ref|Unable to create '.*\.lock'/i.test(stderr))
    return new SourceError('source-locked', `the mirror is locked: ${reason}`);
  if (/Authentication failed|could not read (?:Username|Password)|returned error: 40[13]/i.test(stderr))
    return new SourceError('source-unauthorized', `the repository refuses the credentials: ${reason}`);
  if (/redirect|returned error: 30\d/i.test(stderr))
    return new SourceError(
      'source-redirected',
      `the repository has moved; its new address must be configured: ${reason}`,
    );
  if (/returned error: 404|does not appear to be a git repository|repository .* not found/i.test(stderr))
    return new SourceError('source-not-found', `there is no repository at the address: ${reason}`);
  if (
    /unable to access|Could not resolve host|Failed to connect|Connection (?:refused|reset)|timed out|Couldn't connect|returned error: [45]\d\d|unexpectedly|early EOF|hung up/i.test(
      stderr,
    )
  )
    return new SourceError('source-unreachable', `the repository cannot be reached: ${reason}`);
  return new SourceError('git-failed', `git fetch failed: ${reason}`);
}

/** The line of what Git says that names the fault. */
export function lastLine(stderr: string): string {
  const lines = stderr.trim().split('\n');
  return (lines.find((line) => /^(?:fatal|error):/.test(line)) ?? lines.at(-1) ?? '').slice(0, 300);
}
