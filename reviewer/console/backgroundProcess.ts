// What takes long, beside the process that serves pages. One question after the other; what explains the last review
// goes in between.

import { diffRevisions } from '../../bundle/diff/diffRevisions.ts';
import { messageOf } from '../../bundle/format/messageOf.ts';
import { localTree } from '../../bundle/git/tree.ts';
import { explainFinding } from '../plan/explainFinding.ts';
import { planFor } from '../planFor.ts';
import { shortened } from '../replay/replay.ts';
import { replayRevisions } from '../replay/replayRevisions.ts';
import type { BackgroundReply, BackgroundRequest, Kind, Questions } from './questions.ts';
import { readAll } from './readAll.ts';

/** So many callers of each kind are shown; the counts are of all. */
const mostCallers = 200;

const stop = new AbortController();
const { signal } = stop;
type Made = Awaited<ReturnType<typeof planFor<null>>>;
let made: Made | null = null;

const answers: { [K in Kind]: (asked: Questions[K]['asked']) => Promise<Questions[K]['answer']> } = {
  read: (asked) => readAll({ ...asked, signal }),
  async review({ root, asOf, ...sources }) {
    made = await planFor(
      await localTree(root),
      { ...sources, asOfMs: asOf * 1000, signal },
      async () => null,
    );
    return { plan: made.plan, faulty: made.faulty?.message ?? null };
  },
  explain: async ({ fingerprint }) =>
    made === null ? null : explainFinding(fingerprint, made.plan.findings, made.verdicts, made.evidence),
  diff: (asked) => diffRevisions({ ...asked, mergeBase: true }),
  replay: async (asked) =>
    shortened(await replayRevisions({ ...asked, mergeBase: true, signal }), mostCallers),
};

const post = (reply: BackgroundReply) => void process.send?.(reply, undefined, {}, () => {});
const answer = async (id: number, kind: Kind, asked: unknown) => {
  try {
    // Both sides are of one version: what is asked has the shape of its kind.
    post({ id, answer: await answers[kind](asked as never) });
  } catch (error) {
    post({ id, error: messageOf(error) });
  }
};

let running: Promise<void> = Promise.resolve();
process.on('message', ({ id, kind, asked }: BackgroundRequest) => {
  if (kind === 'explain') void answer(id, kind, asked);
  else running = running.then(() => answer(id, kind, asked));
});
// Whoever started us says when it is over, or is gone; a terminal's Ctrl-C is for it to hear.
process.on('SIGINT', () => {});
process.once('disconnect', () => {
  stop.abort();
  void running.then(() => process.exit());
});
