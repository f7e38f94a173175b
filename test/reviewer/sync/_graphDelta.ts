import type { Organisation, Reply } from './_providers.ts';

/**
 * What changed in an organisation, as Graph's delta functions tell it: by id only as far as we read it, in any order,
 * perhaps twice or again, who is gone marked as removed. Of a group nothing is told when one of its members is deleted or
 * restored. Links say up to where in the log was told.
 */
export function createGraphDelta(organisation: () => Organisation, pageSize = 2) {
  const log: { kind: string; id: string }[] = [];
  const known = { users: new Map<string, string>(), groups: new Map<string, string>() };
  let expired = 0;
  const facts = () => {
    const { people, groups } = organisation();
    const told = ({ lastSignIn: _, ...person }: (typeof people)[number]) => JSON.stringify(person);
    return {
      users: new Map(people.map((one) => [one.id, told(one)])),
      groups: new Map(groups.map((one) => [one.id, JSON.stringify(one)])),
    };
  };
  const note = () => {
    const now = facts();
    for (const kind of ['users', 'groups'] as const) {
      for (const id of new Set([...known[kind].keys(), ...now[kind].keys()]))
        if (known[kind].get(id) !== now[kind].get(id)) log.push({ kind, id });
      known[kind] = now[kind];
    }
    return now;
  };
  const answer = (url: URL, origin: string): Reply | null => {
    const [, , kind = '', action] = url.pathname.split('/');
    if (action !== 'delta' || (kind !== 'users' && kind !== 'groups')) return null;
    const now = note();
    const [since = 0, until = log.length, start = 0] = (
      url.searchParams.get('$skiptoken') ??
      url.searchParams.get('$deltatoken') ??
      '0'
    )
      .split('.')
      .map(Number);
    if (since > 0 && since < expired)
      return {
        status: 410,
        headers: { location: `${origin}/v1.0/${kind}/delta` },
        body: { error: { code: 'resyncRequired' } },
      };
    const ids = log
      .slice(since, until)
      .filter((one) => one.kind === kind)
      .map(({ id }) => id)
      .reverse();
    const items = ids
      .slice(start, start + pageSize)
      .map((id) =>
        now[kind].has(id) ? { id, 'members@delta': [] } : { id, '@removed': { reason: 'changed' } },
      );
    const link = (token: string, value: string) => `${origin}/v1.0/${kind}/delta?$${token}=${value}`;
    const more = start + pageSize < ids.length;
    return {
      body: {
        value: items,
        // What was told is told again once in a while.
        ...(more
          ? { '@odata.nextLink': link('skiptoken', `${since}.${until}.${start + pageSize}`) }
          : { '@odata.deltaLink': link('deltatoken', String(Math.max(1, until - (until % 3)))) }),
      },
    };
  };
  return {
    answer,
    /** From now on, links that were given before are refused. */
    expire() {
      note();
      expired = log.length + 1;
      log.push({ kind: 'none', id: '' }, { kind: 'none', id: '' }, { kind: 'none', id: '' });
    },
  };
}
