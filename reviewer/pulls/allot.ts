import { dayMs } from '../../bundle/format/times.ts';
import type { ForgePull } from '../forge/forge.ts';
import type { Finding } from '../plan/finding.ts';
import { type Group, mostFindings } from './group.ts';
import { branchOf, type Family, turnOf } from './text/branch.ts';
import { type Marker, rememberedIn } from './text/marker.ts';

/** An open pull request of the review, with what it says that it remembers and how it may be dealt with. */
export type OpenPull = {
  pull: ForgePull;
  marker: Marker | null;
  /** Nothing may be added: it is approved, or people have committed to its branch. */
  closedToMore: boolean;
  /** The branch is not to be pushed to at all: people have committed to it. */
  handsOff: boolean;
};

/** What is to become of one pull request. */
export type Task =
  /** Holds these findings, and no others. */
  | {
      kind: 'hold';
      open: OpenPull;
      family: Family;
      branch: string;
      findings: readonly Finding[];
      waiting: number;
    }
  | { kind: 'open'; family: Family; branch: string; findings: readonly Finding[]; waiting: number }
  /** Nothing that it proposes is found any more. */
  | { kind: 'close'; open: OpenPull; branch: string };

/** Whether a branch may be pushed to for a new pull request: there is none, or it holds nothing of anybody else. */
export type BranchState = (branch: string) => 'free' | 'taken';

/**
 * Deals out findings to pull requests: each stays where it is proposed already, so that a split holds and an approved
 * one keeps its text; what is new joins the first that still takes more, or gets another branch. Pure.
 */
export function allot(
  groups: readonly Group[],
  opens: readonly OpenPull[],
  branchState: BranchState,
): Task[] {
  const tasks: Task[] = [];
  const seen = new Set<OpenPull>();
  for (const group of groups) {
    const { owner, tier, risk } = group;
    const family: Family = { owner, tier, risk };
    const mine = opens
      .flatMap((open) => {
        const turn = turnOf(open.pull.branch, family);
        return turn === null ? [] : [{ open, turn }];
      })
      .sort((a, b) => a.turn - b.turn);
    const left = new Map(group.findings.map((finding) => [finding.fingerprint, finding]));
    const held = mine.map(({ open }) => {
      const kept = (open.marker?.entries ?? []).flatMap(({ fingerprint }) => {
        const finding = left.get(fingerprint);
        left.delete(fingerprint);
        return finding === undefined ? [] : [finding];
      });
      return { open, kept };
    });
    const taking = held.find(({ open }) => !open.closedToMore);
    const room = taking === undefined ? 0 : mostFindings - taking.kept.length;
    const fresh = [...left.values()];
    const joining = fresh.slice(0, Math.max(0, room));
    const rest = fresh.slice(joining.length);
    for (const entry of held) {
      const { open, kept } = entry;
      seen.add(open);
      const findings = entry === taking ? [...kept, ...joining].sort(byGrant) : kept;
      const { branch } = open.pull;
      const waiting = entry === taking ? rest.length : 0;
      if (findings.length === 0) tasks.push({ kind: 'close', open, branch });
      else tasks.push({ kind: 'hold', open, family, branch, findings, waiting });
    }
    if (rest.length > 0 && taking === undefined) {
      const branch = freeBranch(family, new Set(mine.map(({ open }) => open.pull.branch)), branchState);
      const findings = rest.slice(0, mostFindings);
      tasks.push({ kind: 'open', family, branch, findings, waiting: rest.length - findings.length });
    }
  }
  for (const open of opens)
    if (!seen.has(open)) tasks.push({ kind: 'close', open, branch: open.pull.branch });
  return tasks;
}

const byGrant = (a: Finding, b: Finding) => (a.grant < b.grant ? -1 : a.grant > b.grant ? 1 : 0);

function freeBranch(family: Family, open: ReadonlySet<string>, branchState: BranchState): string {
  for (let turn = 1; ; turn += 1) {
    const branch = branchOf({ ...family, turn });
    if (!open.has(branch) && branchState(branch) === 'free') return branch;
  }
}
/** How long a pull request closed without a merge, or merged without a change, counts as an answer. */
export const rememberedMs = 30 * dayMs;

/**
 * The fingerprints that people have answered: closed without a merge, or merged although the change was taken out of
 * the branch. What the review closed itself is nobody's answer, nor what a text says that somebody has changed. `nowMs`: ms since 1970.
 */
export function answered(known: readonly ForgePull[], nowMs: number): Map<string, ForgePull> {
  const found = new Map<string, ForgePull>();
  for (const pull of known) {
    if (pull.state !== 'closed' || (pull.closedMs ?? 0) <= nowMs - rememberedMs) continue;
    const marker = rememberedIn(pull);
    if (marker === null || (!pull.merged && marker.closed !== undefined)) continue;
    for (const { fingerprint } of marker.entries) found.set(fingerprint, pull);
  }
  return found;
}
