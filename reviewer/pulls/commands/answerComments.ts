import { isDeepStrictEqual } from 'node:util';
import { sha256 } from '../../../bundle/format/digest.ts';
import type { Tree } from '../../../bundle/git/tree.ts';
import type { Organisation } from '../../../bundle/grants/organisation.ts';
import { notify } from '../../asking/notify.ts';
import type { Forge, ForgePull } from '../../forge/forge.ts';
import { prose } from '../../forge/markdown.ts';
import { optional } from '../../forge/optional.ts';
import { ReviewError } from '../../reviewError.ts';
import { bringUp, openPull, type WantedPull } from '../announce.ts';
import { checkFiles, filesOf } from '../changes.ts';
import type { Mirror } from '../mirror.ts';
import { changed } from '../text/alerts.ts';
import { branchOf, parseBranch } from '../text/branch.ts';
import { actionOf } from '../text/decision.ts';
import { joinBody } from '../text/joinBody.ts';
import { bodyParts, type Entry, type Marker, parseBody } from '../text/marker.ts';
import { joinOwn, splitOwn } from '../text/sections.ts';
import { renderTitle } from '../text/title.ts';
import { type Answered, answerEach } from './answerEach.ts';
import { type CommandsOutcome, decide } from './decide.ts';
import { readComment } from './readComment.ts';

type Options = {
  forge: Forge;
  mirror: Mirror;
  /** The base, whose directory and rules count: what a branch says of itself gives nobody a right. */
  base: { tree: Tree; organisation: Organisation };
  number: number;
};

type Carrying = {
  next: Marker;
  outcome: CommandsOutcome;
  /** Says that nothing is changed, and why. */
  refuse: (...problems: string[]) => Promise<void>;
};

/**
 * By the evidence alone can be told what is proposed, where somebody has changed what a text says of it: until the next review
 * has written it anew, nothing is carried out. Said once of each such text, where somebody asks for something.
 */
async function sayThatItWaits(forge: Forge, { number, body }: ForgePull, { entries }: Marker): Promise<void> {
  const grants = entries.map(({ grant }) => grant);
  const isAsked = (await forge.comments(number)).some((comment) => readComment(comment, grants) !== null);
  if (!isAsked) return;
  const text =
    'Somebody else than the review has changed this description, so nothing is carried out by it. The next review writes it anew, and hears the comments here then.';
  await notify(forge, number, [{ key: `changed waits ${sha256(body).slice(0, 16)}`, who: [], text }]);
}

/**
 * Carries out what comments on a pull request of the review ask for, each once and in their order, however often and in
 * whichever order they are told of. Throws ForgeError; what cannot be done is answered in a comment.
 */
export async function answerComments(options: Options): Promise<Answered> {
  const { forge, mirror, base, number } = options;
  let pull = await forge.getPull(number);
  const named = parseBranch(pull.branch);
  const nothing = (reason: string): Answered => ({ number, handled: 0, changed: false, reason });
  const found = parseBody(pull.body);
  if (named === null || found === null) return nothing('no pull request of the review');
  if (pull.state !== 'open') return nothing('not open any more');
  if (!pull.isOurs) {
    await sayThatItWaits(forge, pull, found);
    return nothing(
      'somebody has changed its description: the next review writes it anew, and hears the comments then',
    );
  }
  let marker: Marker = found;
  const { organisation } = base;
  return answerEach({
    ...{ forge, number, organisation },
    now: () => ({ grants: marker.entries.map(({ grant }) => grant), handled: marker.handled ?? [] }),
    async carryOut({ commands, who, at, handled, say }) {
      const outcome = decide(commands, { who, at, marker, organisation });
      const next: Marker = { ...marker, handled };
      const refuse = (...problems: string[]) => say({ replies: [...outcome.replies, ...problems] });
      const { moved, result } = await carryOut({ next, outcome, refuse }, pull, options);
      pull = result;
      marker = parseBody(pull.body) ?? next;
      const { replies, notes } = outcome;
      return { replies, notes: moved ? notes : [], moved };
    },
  });

  /** The branch and the text for what was decided. A problem with the change itself is a reply. */
  async function carryOut({ next, outcome, refuse }: Carrying, on: ForgePull, { forge, mirror }: Options) {
    const unchanged = isDeepStrictEqual(outcome.entries, next.entries);
    const tip = mirror.branches.get(on.branch);
    const parts = bodyParts(on.body);
    const own = changed(parts.own);
    // Only that the comment is heard: what a run has left half done stays so, until one does it.
    const asIs = (): Promise<ForgePull> =>
      forge.updatePull(on.number, { body: joinBody(next, parts.own, parts) });
    const left = async (...problems: string[]) => {
      await refuse(...problems);
      return { moved: false, result: await asIs() };
    };
    if (unchanged) return left();
    if (tip !== undefined && (await mirror.hasHumanCommits(tip)))
      return left('people have committed to this branch, so it is theirs: change it there');
    try {
      const wanted = await prepare(next, outcome.entries, own);
      // First, for this text remembers that it was heard: what a run did not get to would be asked for in vain.
      if (outcome.split.length > 0) await splitOff(next, outcome.split, own);
      const result = await bringUp({ forge, mirror }, on, wanted);
      return { moved: true, result };
    } catch (error) {
      if (!(error instanceof ReviewError) || error.code !== 'edit-failed') throw error;
      return left(prose(error.message));
    }
  }

  async function prepare(before: Marker, entries: readonly Entry[], own: string): Promise<WantedPull> {
    const title = renderTitle(
      before,
      entries.map((entry) => ({ action: actionOf(entry), api: entry.api })),
    );
    const { commit: _, ...kept } = before;
    const lines = entries.map((entry) => `${actionOf(entry)} ${entry.grant} (${entry.detector})`);
    const files = await filesOf(entries, base);
    await checkFiles(base.tree, files);
    const asOf = Date.parse(before.as_of) / 1000;
    const commit = await mirror.commit(files, `${title}\n\n${lines.join('\n')}\n`, asOf);
    const text = joinOwn(splitOwn(own), entries, { organisation: base.organisation, asOf });
    return { marker: { ...kept, title, entries: [...entries] }, own: text, commit, draft: false };
  }

  /** What is parted gets the next branch that nobody uses, or the one that a run before has made for it. */
  async function splitOff(before: Marker, entries: readonly Entry[], own: string): Promise<void> {
    const { handled: _, ...rest } = before;
    const wanted = await prepare(rest, entries, own);
    const isTaken = (branch: string) => (mirror.branches.get(branch) ?? wanted.commit) !== wanted.commit;
    let turn = 2;
    while (isTaken(branchOf({ ...rest, turn }))) turn += 1;
    const opened = await openPull({ forge, mirror }, branchOf({ ...rest, turn }), wanted, false);
    if (opened !== null) await optional(() => forge.addLabels(opened.number, pull.labels));
  }
}
