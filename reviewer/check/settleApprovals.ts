import type { Organisation } from '../../bundle/grants/organisation.ts';
import type { PullCheck } from './pullCheck.ts';

/** Who is behind a pull request, by the forge's own word. */
export type People = {
  /** The forge's login of who opened it, and of those whose work its commits are. */
  authors: readonly string[];
  /** Logins of those who approved the very commit that was checked, and have not taken it back. */
  approvals: readonly string[];
};

export type Settled = {
  met: { requirement: PullCheck['requirements'][number]; by: string }[];
  missing: PullCheck['requirements'][number][];
  /** What the author gains, where that is refused. */
  refused: { author: string; api: string }[];
};

type Directory = Pick<Organisation, 'people' | 'memberships'>;

/**
 * Holds approvals against what is needed, by the directory of the base: an approval counts when it is given by the owner
 * or a member of the owning group, who is not an author, gains nothing at that API, and is not whose own access it is about. Without people everything is
 * missing. Where too many gain for all to be named, each may be one of them.
 */
export function settleApprovals(check: PullCheck, people: People | null, directory: Directory): Settled {
  const principals = principalsOf(directory);
  const behind = (login: string) => principals.get(login.toLowerCase()) ?? [];
  // Of a name that two have an author may be either, and who approves by it is nobody for certain.
  const authors = (people?.authors ?? []).flatMap(behind);
  const logins = new Set((people?.authors ?? []).map((login) => login.toLowerCase()));
  const approvers = (people?.approvals ?? [])
    .filter((login) => !logins.has(login.toLowerCase()))
    .flatMap((login) => (behind(login).length === 1 ? behind(login) : []));
  const gainers = new Map(check.gainers.map(({ api, who }) => [api, new Set(who)]));
  const settled: Settled = { met: [], missing: [], refused: [] };
  for (const requirement of check.requirements) {
    const { api, approval_of: owner, except } = requirement;
    const by = approvers.find(
      (principal) =>
        principal !== except &&
        gainers.get(api)?.has(principal) !== true &&
        !check.gainersCut &&
        (principal === owner || (directory.memberships.get(principal) ?? []).includes(owner)),
    );
    if (by === undefined) settled.missing.push(requirement);
    else settled.met.push({ requirement, by });
  }
  if (check.selfGrant === 'refuse')
    for (const [api, who] of gainers)
      for (const author of authors)
        if (who.has(author) || check.gainersCut) settled.refused.push({ author, api });
  return settled;
}

/** The forge's login, in small letters → the active people of the directory who have it. */
function principalsOf({ people }: Directory): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const { login, github, provider, status } of people.values()) {
    const name = github ?? (provider === 'github' ? login : undefined);
    if (status !== 'active' || name === undefined) continue;
    const key = name.toLowerCase();
    found.set(key, [...(found.get(key) ?? []), `user:${login}`]);
  }
  return found;
}
