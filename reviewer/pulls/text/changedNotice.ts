import { isDeepStrictEqual } from 'node:util';
import { sha256 } from '../../../bundle/format/digest.ts';
import { code } from '../../forge/markdown.ts';
import { nameOf } from '../../plan/sentence.ts';
import type { Decision } from './decision.ts';

type Decided = { grant: string; decision?: Decision | undefined };

const shown = ({ grant, decision }: Decided) =>
  decision === undefined ? code(grant) : `${decision.kind} of ${code(grant)} by ${code(nameOf(decision.by))}`;
/** As many as a comment has room for. */
const most = 50;
const listOf = (all: readonly Decided[]) =>
  `${all.slice(0, most).map(shown).join(', ')}${all.length > most ? ` and ${all.length - most} more` : ''}`;

type Compared = {
  /** What the text says; null where it remembers nothing any more. */
  claimed: readonly Decided[] | null;
  /** What the comments come to. */
  proven: readonly Decided[];
  /** Who said something, by the forge's names, that was not heard again, for it names no grant. */
  unnamed?: readonly string[] | undefined;
};

/**
 * What is told of a text that somebody has changed: what it says was decided that nobody is known to have said, and the
 * reverse. Null where both are the same: somebody has written beside it.
 */
export function changedNotice(
  body: string,
  { claimed, proven, unnamed = [] }: Compared,
): { key: string; who: readonly string[]; text: string } | null {
  const decisionsOf = (all: readonly Decided[]) => all.filter(({ decision }) => decision !== undefined);
  const without = (all: readonly Decided[], others: readonly Decided[]) =>
    decisionsOf(all).filter(
      ({ grant, decision }) =>
        !others.some((other) => other.grant === grant && isDeepStrictEqual(other.decision, decision)),
    );
  const forged = without(claimed ?? [], proven);
  const missing = without(proven, claimed ?? []);
  if (claimed !== null && forged.length + missing.length + unnamed.length === 0) return null;
  return {
    // Of each such text once.
    key: `changed ${sha256(body).slice(0, 16)}`,
    who: [],
    text: [
      'Somebody else than the review has changed what this description remembers. It is written anew: what is proposed by the evidence, what was decided by the comments here that are as they were written.',
      ...(forged.length === 0
        ? []
        : [
            `Not carried out, for no such comment bears it out: ${listOf(forged)}. Whoever means it says it in a comment of their own.`,
          ]),
      ...(unnamed.length === 0
        ? []
        : [
            `What names no grant was not heard again, for nobody knows what it was said of: ${unnamed.map((name) => `@${name}`).join(', ')}, say it again with its grant.`,
          ]),
      ...(missing.length === 0
        ? []
        : [`Still in force, though the description left it out: ${listOf(missing)}.`]),
    ].join(' '),
  };
}
