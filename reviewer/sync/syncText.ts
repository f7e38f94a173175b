import { counted, listed } from '../../bundle/format/counted.ts';
import { changeLine } from '../diff/diffRows.ts';
import type { Synced } from './sync.ts';

/** Of more of a kind, how many are named; the file has all. */
const most = 20;

/** What a sync found, one fact a line. */
export function syncText(synced: Synced): string {
  const { provider, file, due, people, groups, changes, access, notes, warnings } = synced;
  const lines = [
    `${provider}: ${counted(people, 'person', 'people')}, ${counted(groups, 'group')}; ${due ? `${file} changes` : 'nothing new'}`,
  ];
  const list = (all: readonly string[]) => {
    lines.push(...all.slice(0, most).map((line) => `  ${line}`));
    if (all.length > most) lines.push(`  … and ${all.length - most} more like that`);
  };
  list(warnings.map((warning) => `warning: ${warning}`));
  const { came, left, replaced, renamed, status, manager } = changes;
  list(came.map(({ login, status: is }) => `${login} came${is === 'active' ? '' : ` (${is})`}`));
  list(left.map(({ login }) => `${login} is gone`));
  list(
    replaced.map(
      ({ after, before }) => `${after.login} is another person now (id ${before.id}, now ${after.id})`,
    ),
  );
  list(renamed.map(({ before, after }) => `${before.login} is called ${after.login}`));
  list(status.map(({ before, after }) => `${after.login} is ${after.status}, was ${before.status}`));
  list(
    manager.map(
      ({ after }) =>
        `${after.login} ${after.manager === undefined ? 'has no manager' : `reports to ${after.manager}`}`,
    ),
  );
  list(
    changes.groups.map(({ name, change, in: into, out }) => {
      if (change === 'gone') return `group ${name} is gone`;
      const parts = [
        ...(into.length > 0 ? [`${listed(into, 3)} in`] : []),
        ...(out.length > 0 ? [`${listed(out, 3)} out`] : []),
      ];
      return `group ${name}${change === 'new' ? ' is new' : ''}: ${parts.join(', ') || 'no members'}`;
    }),
  );
  if (access === null)
    lines.push('  access: cannot be told, as the repository has problems (grantgate check)');
  else if (access.length > 0) {
    lines.push('Access:');
    list(access.map(changeLine));
  }
  list(notes.map((note) => `note: ${note}`));
  return `${lines.map((line) => line.replace(/\p{Cc}+/gu, ' ')).join('\n')}\n`;
}
