import type { Conditions } from '../../bundle/access/conditions.ts';
import type { RevisionDiff } from '../../bundle/diff/diffRevisions.ts';
import { instantOf } from '../../bundle/format/times.ts';

/** The difference for programs, with everybody by name; the keys are an interface. */
export function diffJson({
  base,
  head,
  policiesChanged,
  directoryChanged,
  changes,
  grants,
  heads,
  documents,
  unknown,
}: RevisionDiff): unknown {
  const terms = ({ networks, mfa, params, rate, expires }: Conditions) => ({
    networks,
    mfa,
    ...(params !== undefined && { params }),
    ...(rate !== undefined && { rate }),
    expires: expires === null ? null : instantOf(expires),
  });
  return {
    base,
    head,
    policies_changed: policiesChanged,
    directory_changed: directoryChanged,
    changes: changes.map(
      ({ kind, api, operations, group, members, who, before, after, conditions: both }) => ({
        kind,
        api,
        operations,
        group,
        members,
        who,
        before,
        after,
        terms: { before: both.before.map(terms), after: both.after.map(terms) },
      }),
    ),
    grants,
    unknown,
    documents,
    ...heads,
  };
}
