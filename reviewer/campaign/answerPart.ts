import type { Forge, ForgePull } from '../forge/forge.ts';
import { type Answered, answerEach } from '../pulls/commands/answerEach.ts';
import type { Mirror } from '../pulls/mirror.ts';
import { ReviewError } from '../reviewError.ts';
import { bodyOf, bringUpPart } from './announcePart.ts';
import { answersOf, hearAnew } from './answersOf.ts';
import { type Frozen, partBranch } from './frozen.ts';
import { type PartMarker, parsePart, partRemembered, partsOf } from './marker.ts';
import { type Base, commitPart, hasEdits, type Said, tellPart } from './preparePart.ts';
import { type Part, partsOfCampaign } from './rows.ts';

type Options = { forge: Forge; mirror: Mirror; frozen: Frozen; base: Base; number: number };

/** `before`: what its description has remembered so far. */
type Answering = Options & { part: Part; before: PartMarker };

/** GitHub's limit of a description, in characters. */
const longestBody = 65_536;

/**
 * Carries out what comments on an owner's pull request ask for, each once and in their order. Throws ForgeError; what
 * cannot be done is answered in a comment.
 */
export async function answerPart(options: Options): Promise<Answered> {
  const { forge, frozen, base, number } = options;
  const nothing = (reason: string): Answered => ({ number, handled: 0, changed: false, reason });
  let pull = await forge.getPull(number);
  const part = partsOfCampaign(frozen).find(({ owner }) => partBranch(frozen.name, owner) === pull.branch);
  if (part === undefined) return nothing('no pull request of the campaign');
  if (pull.state !== 'open') return nothing('not open any more');
  if (!pull.isOurs) {
    const { mirror } = options;
    const tip = mirror.branches.get(pull.branch);
    if (tip !== undefined && (await mirror.hasHumanCommits(tip)))
      return nothing('people have committed to its branch, and its description is written by somebody else');
    const told = tellPart(frozen, part, await hearAnew(part, pull, options), base);
    if (!hasEdits(told.rows)) return nothing('nothing is left to merge');
    const commit = await commitPart(told, frozen, base, mirror);
    pull = await bringUpPart({ forge, mirror }, pull, { ...told.wanted, commit });
  }
  const found = partRemembered(pull);
  if (found === null) return nothing('its description is not one of the campaign');
  const grants = part.entries.map(({ grant }) => grant);
  let marker: PartMarker = found;
  const { organisation } = base;
  return answerEach({
    ...{ forge, number, organisation },
    now: () => ({ grants, handled: marker.handled ?? [] }),
    async carryOut({ commands, who, at, handled, say }) {
      const answering = { ...options, part, before: marker };
      const { answers, replies, notes } = answersOf(commands, { who, at, organisation }, answering);
      const refuse = (...problems: string[]) => say({ replies: [...replies, ...problems] });
      const done = await carryOut(pull, { ...marker, answers, handled }, { ...answering, refuse });
      pull = done.pull;
      marker = parsePart(pull.body) ?? marker;
      return { replies, notes: done.moved ? notes : [], moved: done.moved };
    },
  });
}

type Done = { pull: ForgePull; moved: boolean };

/** The branch and the text for what was decided. A problem with the change itself is a reply, and decides nothing. */
async function carryOut(
  pull: ForgePull,
  said: Said,
  {
    part,
    before,
    forge,
    mirror,
    frozen,
    base,
    refuse,
  }: Answering & {
    /** Says that nothing is changed, and why. */
    refuse: (...problems: string[]) => Promise<void>;
  },
): Promise<Done> {
  const tip = mirror.branches.get(pull.branch);
  /** Only that the comment has been seen. */
  const asIs = async (...problems: string[]): Promise<Done> => {
    await refuse(...problems);
    const marker = { ...before, ...(said.handled !== undefined && { handled: said.handled }) };
    const around = partsOf(pull.body);
    const wanted = { marker, own: around.own, commit: before.commit ?? pull.head, title: pull.title };
    const body = bodyOf(wanted, pull.body);
    return { pull: await forge.updatePull(pull.number, { body }), moved: false };
  };
  if (JSON.stringify(said.answers) === JSON.stringify(before.answers)) return asIs();
  if (tip !== undefined && (await mirror.hasHumanCommits(tip)))
    return asIs('people have committed to this branch, so it is theirs: change it there');
  const told = tellPart(frozen, part, said, base);
  if (!hasEdits(told.rows)) return asIs('then nothing is left to merge: close it instead');
  try {
    const commit = await commitPart(told, frozen, base, mirror);
    const wanted = { ...told.wanted, commit };
    if ([...bodyOf(wanted, pull.body)].length > longestBody)
      return asIs('a description holds no more answers: merge this first, or change the branch itself');
    return { pull: await bringUpPart({ forge, mirror }, pull, wanted), moved: true };
  } catch (error) {
    if (!(error instanceof ReviewError) || error.code !== 'edit-failed') throw error;
    return asIs(error.message);
  }
}
