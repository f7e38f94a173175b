import { z } from 'zod';
import type { DetectorName } from '../../../bundle/grants/names.ts';
import type { Action } from '../../detect/judge.ts';
import type { Edit } from '../../edit/edit.ts';
import type { SetKeys } from '../../plan/finding.ts';
import { editOf } from '../../plan/propose.ts';

const said = {
  /** `user:LOGIN` or `group:NAME`, as the directory has it. */
  by: z.string(),
  /** `2026-11-23T12:00:00Z` */
  at: z.string(),
};
const to = z.union([z.object({ role: z.string() }), z.object({ operations: z.array(z.string()) })]);

/** What somebody answered to a finding; it takes the place of the proposed change. */
export const decision = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('keep'), ...said, until: z.string(), reason: z.string() }),
  z.object({ kind: z.literal('extend'), ...said, until: z.string(), reason: z.string() }),
  z.object({ kind: z.literal('narrow'), ...said, to }),
  z.object({ kind: z.literal('revoke'), ...said }),
  /** `unanswered`: since when nobody has said anything, so that the rules decide; nobody's decision. */
  z.object({ kind: z.literal('suspend'), ...said, unanswered: z.string().optional() }),
  z.object({ kind: z.literal('reassign'), ...said, owner: z.string() }),
]);
export type Decision = z.output<typeof decision>;

/** Whether it is somebody's word, and not what the rules made of silence. */
export const isSaid = (decision: Decision | undefined): decision is Decision =>
  decision !== undefined && !('unanswered' in decision && decision.unanswered !== undefined);

/** What is proposed of a grant, and what was decided of it. */
export type Asked = {
  grant: string;
  action: Action;
  detector: DetectorName;
  to?: { role: string } | { operations: readonly string[] } | undefined;
  set?: SetKeys | undefined;
  decision?: Decision | undefined;
};

/** The edit that carries out a decision, or the proposal where there is none. Throws ReviewError `edit-failed`. */
export function editFor({ grant, action, to: narrowed, set, decision: answer }: Asked): Edit {
  switch (answer?.kind) {
    case 'keep': {
      const { by, at, until, reason } = answer;
      return { kind: 'set', grant, to: { review: { decision: 'keep', by, at, until, reason } } };
    }
    case 'extend': {
      const { by, at, until, reason } = answer;
      const review = { decision: 'keep', by, at, until, reason } as const;
      return { kind: 'set', grant, to: { expires: until, review } };
    }
    case 'narrow':
      return { kind: 'narrow', grant, to: answer.to };
    case 'revoke':
      return { kind: 'delete', grant };
    case 'suspend':
      return { kind: 'suspend', grant };
    case 'reassign':
      return { kind: 'set', grant, to: { owner: answer.owner } };
    case undefined:
      break;
    default:
      answer satisfies never;
  }
  return editOf({
    grant,
    action,
    ...(narrowed !== undefined && { to: narrowed }),
    ...(set !== undefined && { set }),
  });
}

/** What a decision says of itself, as titles count it. */
export const actionOf = ({ action, decision: answer }: Asked): Action | 'keep' | 'extend' =>
  answer?.kind ?? action;
