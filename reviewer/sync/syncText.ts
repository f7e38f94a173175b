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
    changes.groups.map(({ name, change, in: into, out, alias, replaced }) => {
      if (change === 'gone')
        return alias === undefined
          ? `group ${name} is gone`
          : `group ${name} is called ${alias} now: grants to group:${name} give nobody anything until they name that`;
      const parts = [
        ...(into.length > 0 ? [`${listed(into, 3)} in`] : []),
        ...(out.length > 0 ? [`${listed(out, 3)} out`] : []),
      ];
      const what =
        replaced !== undefined
          ? ` is another group now (id ${replaced.before}, now ${replaced.after}), which has what grants to group:${name} give`
          : change !== 'new'
            ? ''
            : alias === undefined
              ? ' is new'
              : ` is new, and was called ${alias}`;
      const none = change === 'new' ? 'no members' : 'the same members';
      return `group ${name}${what}: ${parts.join(', ') || none}`;
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
