import { counted } from '../../bundle/format/counted.ts';
import { daySeconds } from '../../bundle/format/times.ts';
import { withFiles } from '../../bundle/git/tree.ts';
import { recommendation } from '../../bundle/grants/names.ts';
import type { Opa } from '../../bundle/policy/opa.ts';
import { edit } from '../edit/edit.ts';
import type { Evidence } from '../evidence/gather.ts';
import type { Finding, Plan } from '../plan/finding.ts';
import { editOf } from '../plan/propose.ts';
import type { Effect, Replay } from '../replay/replay.ts';
import { openReplayer } from '../replay/replayRevisions.ts';
import { createOpenSide } from '../replay/side.ts';
import { ReviewError } from '../reviewError.ts';

type Options = {
  evidence: Evidence;
  opa: Opa;
  /** Folders, files and globs of decision logs. */
  decisions: readonly string[];
  signal?: AbortSignal | undefined;
  progress?: ((line: string) => void) | undefined;
};

type Proposed = Finding & { detector: ReturnType<typeof recommendation.parse> };
const isProposed = (finding: Finding): finding is Proposed =>
  recommendation.safeParse(finding.detector).success;

/**
 * Keeps of a plan's recommendations those that the recorded requests show to refuse nothing: all of them are made
 * together, and every request of the window is decided by what is enforced and by that. What allowed a request that
 * would then be denied, or of which that cannot be told, is left as it is; restrictions that are withdrawn deny nobody
 * else. Throws what reading the records and compiling throws.
 */
export async function prove(plan: Plan, options: Options): Promise<Plan> {
  const proposed = plan.findings.filter(isProposed);
  if (proposed.length === 0) return { ...plan, recommended: true };
  const why = await withdrawnBy(proposed, options);
  const withdrawn = proposed.flatMap(({ grant, detector }) => {
    const reason = why.get(`${grant} ${detector}`);
    return reason === undefined ? [] : [{ grant, detector, why: reason }];
  });
  const gone = new Set(withdrawn.map(({ grant, detector }) => `${grant} ${detector}`));
  return {
    ...plan,
    findings: plan.findings.filter(({ grant, detector }) => !gone.has(`${grant} ${detector}`)),
    recommended: true,
    ...(withdrawn.length > 0 && { withdrawn }),
  };
}

/** Grant and detector → why it is not recommended after all. */
async function withdrawnBy(proposed: readonly Proposed[], options: Options): Promise<Map<string, string>> {
  const { evidence, opa, decisions, signal, progress } = options;
  const { tree, asOf, organisation } = evidence;
  const why = new Map<string, string>();
  const withdraw = (findings: readonly Proposed[], reason: string) => {
    for (const { grant, detector } of findings) why.set(`${grant} ${detector}`, reason);
  };
  const { texts, kept } = await editedTexts(proposed, evidence, withdraw);
  if (kept.length === 0) return why;
  if (tree.revision === null) {
    withdraw(kept, 'the grants are in no commit, so recorded requests cannot be held against them');
    return why;
  }
  progress?.('replaying recorded requests');
  const openSide = createOpenSide(opa);
  const base = await openSide(tree);
  const head = await openSide({ ...tree, ...withFiles(tree, texts) });
  const longest = Math.max(
    ...kept.map(({ evidence: seen }) => asOf - Date.parse(seen.window?.from ?? '') / 1000),
  );
  const days = Number.isFinite(longest)
    ? Math.ceil(longest / daySeconds)
    : organisation.review.thresholds.recommend.days;
  const replayer = await openReplayer({ tree, base, head, decisions, asOf, days, signal, progress });
  try {
    const replay = await replayer.replay(head);
    const unread = replay.skipped.filter(({ reason }) => reason === 'record-incomplete');
    if (unread.length > 0)
      withdraw(kept, `${counted(sum(unread), 'record')} cannot be read far enough to be replayed`);
    for (const [effects, reason] of effectsOf(replay))
      for (const effect of effects) {
        const by = kept.filter(({ grant }) => effect.grants.includes(grant));
        // An end is there to end something: that is what is asked, and nothing else may.
        const meant = effects === replay.ending.by ? by.filter(({ detector }) => detector !== 'one-off') : by;
        if (effects === replay.ending.by && meant.length < by.length) continue;
        withdraw(
          meant.length > 0 || effect.grants.length > 0 ? meant : kept,
          `${counted(effect.requests, 'recorded request')} of ${effect.subject} for ${effect.operation} ${reason}`,
        );
      }
    return why;
  } finally {
    await replayer.close();
  }
}

const sum = (some: readonly { requests: number }[]) => some.reduce((all, { requests }) => all + requests, 0);

const effectsOf = ({ denied, unproven, ending }: Replay): [readonly Effect[], string][] => [
  [denied.by, 'would be refused'],
  [unproven.by, 'might be refused'],
  [ending.by, 'would be refused sooner'],
];

/** The files with all of it changed; what cannot be edited is withdrawn. */
async function editedTexts(
  proposed: readonly Proposed[],
  { tree }: Evidence,
  withdraw: (findings: readonly Proposed[], reason: string) => void,
) {
  const files = [...new Set(proposed.map(({ change }) => change.file))].sort();
  const texts = new Map([...(await tree.read(files))].map(([path, bytes]) => [path, bytes.toString('utf8')]));
  const kept: Proposed[] = [];
  for (const finding of proposed) {
    const { file } = finding.change;
    try {
      texts.set(file, edit(texts.get(file) ?? '', file, editOf(finding)) ?? '');
      kept.push(finding);
    } catch (error) {
      if (!(error instanceof ReviewError) || error.code !== 'edit-failed') throw error;
      withdraw([finding], error.message);
    }
  }
  return { texts, kept };
}
