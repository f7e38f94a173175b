import { canonicalJson } from '../../bundle/format/canonicalJson.ts';
import { fileChanges } from '../../bundle/git/fileChanges.ts';
import type { Tree } from '../../bundle/git/tree.ts';
import type { Turns } from '../../bundle/git/turnsOf.ts';
import { endOf } from '../../bundle/grants/dates.ts';
import { fold } from '../../bundle/grants/names.ts';
import type { Organisation } from '../../bundle/grants/organisation.ts';
import type { GrantEntry } from '../../bundle/grants/schema.ts';
import { coversToday, entryChanges } from '../evidence/entryChanges.ts';

/** What a commit decided about a grant. */
export type GrantChange = {
  grant: string;
  principal: string;
  api: string;
  owner: string;
  /** `changed` is what has no word of its own: another reason, ticket, limit or condition. */
  what:
    | 'granted'
    | 'removed'
    | 'suspended'
    | 'reactivated'
    | 'kept'
    | 'narrowed'
    | 'widened'
    | 'prolonged'
    | 'shortened'
    | 'reassigned'
    | 'changed';
  /** Who answers for it: of a keep whoever gave it, else the author of the commit. */
  by: string;
  /** The reason that was written beside a keep; else the grant's own for what was granted; else the commit's subject. */
  why: string;
  /** Seconds since 1970. */
  at: number;
  commit: string;
  before: string | null;
  subject: string;
  emergency: boolean;
};

/** Seconds since 1970: from `from` on, before `to`. */
export type Period = { from: number; to: number };

/**
 * Every decision about grants that took effect on the branch in a period, oldest first, then by grant; with
 * `after`, a commit, only of what came behind it. Throws GitError.
 */
export async function grantChanges(
  tree: Tree,
  organisation: Pick<Organisation, 'apis'>,
  { from, to }: Period,
  { after, turns }: { after?: string | undefined; turns: Turns },
): Promise<GrantChange[]> {
  if (tree.revision === null) return [];
  const commits = await fileChanges(tree.root, tree.revision, {
    ...{ paths: ['grants/access'], within: tree.within, after, turns },
    ...(after === undefined && { since: from }),
  });
  const found: GrantChange[] = [];
  const ours = commits.filter(({ at }) => at >= from && at < to).reverse();
  for await (const { commit: made, before, after } of entryChanges(tree.root, ours)) {
    const { commit, parent, at, author, subject } = made;
    for (const id of [...new Set([...before.keys(), ...after.keys()])].sort()) {
      const [was, is] = [before.get(id) ?? null, after.get(id) ?? null];
      const entry = is ?? was;
      if (entry === null) continue;
      for (const what of whatChanged(was, is, organisation)) {
        const review = what === 'kept' ? is?.review : undefined;
        found.push({
          ...{ grant: id, principal: entry.principal, api: entry.api, owner: entry.owner, what },
          by: review?.by ?? author,
          why: review?.reason ?? (what === 'granted' ? entry.reason : subject),
          ...{ at, commit, before: parent, subject, emergency: what === 'granted' && /-emergency-/.test(id) },
        });
      }
    }
  }
  return found;
}

function whatChanged(
  was: GrantEntry | null,
  is: GrantEntry | null,
  organisation: Pick<Organisation, 'apis'>,
): GrantChange['what'][] {
  if (was === null) return ['granted'];
  if (is === null) return ['removed'];
  const found: GrantChange['what'][] = [];
  if (canonicalJson(was.review ?? null) !== canonicalJson(is.review ?? null) && is.review !== undefined)
    found.push('kept');
  if (was.state !== is.state) found.push(is.state === 'suspended' ? 'suspended' : 'reactivated');
  const [old, now] = [coversToday(was, organisation) ?? [], coversToday(is, organisation) ?? []];
  if (now.some((operation) => !old.includes(operation))) found.push('widened');
  if (old.some((operation) => !now.includes(operation))) found.push('narrowed');
  const end = ({ expires }: GrantEntry) =>
    expires === undefined ? Number.POSITIVE_INFINITY : endOf(expires);
  if (end(is) > end(was)) found.push('prolonged');
  if (end(is) < end(was)) found.push('shortened');
  if (fold(was.owner) !== fold(is.owner)) found.push('reassigned');
  const rest = ({
    review: _r,
    state: _s,
    role: _o,
    operations: _p,
    expires: _e,
    owner: _w,
    ...others
  }: GrantEntry) => canonicalJson(others);
  if (rest(was) !== rest(is)) found.push('changed');
  return found;
}
