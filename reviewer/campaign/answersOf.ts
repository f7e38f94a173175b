import { instantOf } from '../../bundle/format/times.ts';
import { askedInPlace } from '../asking/notice.ts';
import { notify } from '../asking/notify.ts';
import type { Forge, ForgePull } from '../forge/forge.ts';
import { commenterOf } from '../pulls/commands/commenterOf.ts';
import { decide } from '../pulls/commands/decide.ts';
import { withHandled } from '../pulls/commands/handled.ts';
import type { Command } from '../pulls/commands/parse.ts';
import { readComment, repliedTo } from '../pulls/commands/readComment.ts';
import { changedNotice } from '../pulls/text/changedNotice.ts';
import type { Entry } from '../pulls/text/marker.ts';
import { digestOf } from './freeze.ts';
import type { Frozen } from './frozen.ts';
import { type Answer, type PartMarker, packAnswers, parsePart, unpackAnswers } from './marker.ts';
import type { Base, Said } from './preparePart.ts';
import type { Part } from './rows.ts';

/** `before`: what has been answered so far. */
type Answering = { part: Part; before: Pick<PartMarker, 'answers'>; frozen: Frozen; base: Base };

/** What commands make of the answers so far: by the same rules as in every pull request of the review. */
export function answersOf(
  commands: readonly Command[],
  context: Omit<Parameters<typeof decide>[1], 'marker'>,
  { part, before, frozen, base }: Answering,
): { answers: PartMarker['answers']; replies: string[]; notes: readonly string[] } {
  const known = unpackAnswers(before.answers, part.entries.length);
  // Two grants are told apart by their numbers.
  const nameOf = (number: number) => number.toString(16).padStart(32, '0');
  const entries = part.entries.map((entry, number): Entry => {
    const decision = known.get(number)?.decision;
    return {
      ...{ fingerprint: nameOf(number), grant: entry.grant, api: entry.api, action: entry.action },
      detector: entry.detector ?? 'high-access',
      ...(entry.to !== undefined && { to: entry.to }),
      ...(decision !== undefined && { decision }),
    };
  });
  const whole = commands.filter(({ verb }) => verb !== 'split');
  const outcome = decide(whole, { ...context, marker: { as_of: frozen.opened, entries } });
  const answers = new Map<number, Answer>(known);
  for (const [number, { decision }] of outcome.entries.entries()) {
    const entry = part.entries[number];
    // Who decides anew decides about what the grant is now.
    if (decision === undefined || entry === undefined || decision === known.get(number)?.decision) continue;
    const now = base.grants.get(entry.grant);
    const digest = now === undefined ? entry.digest : digestOf(now);
    answers.set(number, { decision, ...(digest !== entry.digest && { digest }) });
  }
  const unsplit = whole.length < commands.length ? ["a campaign's pull request stays whole"] : [];
  return { answers: packAnswers(answers), replies: [...outcome.replies, ...unsplit], notes: outcome.notes };
}

/**
 * What people have answered by the comments that are as they were written, as if none had been heard before, where somebody
 * else has changed what a description remembers; what it said otherwise is told. Which grant an answer was about is as it was
 * frozen: of one that has changed since it is given anew. Throws ForgeError.
 */
export async function hearAnew(
  part: Part,
  pull: Pick<ForgePull, 'number' | 'body'>,
  { forge, frozen, base }: { forge: Forge; frozen: Frozen; base: Base },
): Promise<Said> {
  const { organisation } = base;
  const comments = await forge.comments(pull.number);
  const [replied, asked] = [repliedTo(comments), askedInPlace(comments)];
  const grants = part.entries.map(({ grant }) => grant);
  // As if nothing had changed since.
  const then: Base = { ...base, grants: new Map() };
  let said: Said = { answers: [], anew: instantOf(base.asOf) };
  for (const comment of comments) {
    const read = readComment(comment, grants);
    if (read === null) continue;
    const who = await commenterOf(comment, { forge, organisation, asked });
    const context = { who, at: instantOf(comment.atMs / 1000), organisation };
    const { answers } = answersOf(read.commands, context, { part, before: said, frozen, base: then });
    const isHeard = answers.length > 0 && JSON.stringify(answers) !== JSON.stringify(said.answers);
    const handled =
      isHeard || replied.has(comment.key) ? withHandled(said.handled ?? [], comment, comments) : said.handled;
    said = { ...said, answers, ...(handled !== undefined && { handled }) };
  }
  const decided = (answers: PartMarker['answers']) =>
    [...unpackAnswers(answers, grants.length)].flatMap(([number, { decision, digest }]) => {
      const grant = grants[number];
      return grant === undefined
        ? []
        : [{ grant, decision: { ...decision, ...(digest !== undefined && { digest }) } }];
    });
  const claimed = parsePart(pull.body);
  const notice = changedNotice(pull.body, {
    claimed: claimed === null ? null : decided(claimed.answers),
    proven: decided(said.answers),
  });
  if (notice !== null) await notify(forge, pull.number, [notice]);
  return said;
}
