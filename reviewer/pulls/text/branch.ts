import { createHash } from 'node:crypto';
import { type DetectorTier, detectorTierNames, type Risk } from '../../plan/tiers.ts';

/** Every branch of the review begins with this. */
export const branchPrefix = 'grantgate/review/';

/** What shares a pull request, if one is enough. */
export type Family = { owner: string; tier: DetectorTier; risk: Risk };
/** `turn` counts from 1: an approved pull request takes nothing more up, so what is new goes into another. */
export type Named = Family & { turn: number };

// What Git forbids in branch names, and what would have to be quoted in a shell or an address, stands as the bytes of
// its UTF-8; so do "..", ".lock" and a dot at an end. Two owners never share a branch: a name that would be longer than a
// file's or a ref's may be is cut, and ends in "==" and a hash of the whole.
const bytes = (text: string) =>
  [...Buffer.from(text)].map((byte) => `=${byte.toString(16).padStart(2, '0')}`).join('');
const encode = (name: string) =>
  name.replace(/[^A-Za-z0-9.@+_-]+/g, bytes).replace(/\.(?=\.|lock|$)|^\.|@(?=\{|$)/g, bytes);
const decode = (name: string) =>
  name.replace(/(?:=[0-9a-f]{2})+/g, (run) => Buffer.from(run.replaceAll('=', ''), 'hex').toString());

const longestName = 120;
const shortened = (name: string) => {
  if (name.length <= longestName) return name;
  const hash = createHash('sha256').update(name).digest('hex').slice(0, 24);
  return `${name.slice(0, longestName - 26).replace(/=[0-9a-f]?$/, '')}==${hash}`;
};

/** An owner as a part of a branch: `group-billing`. */
export const ownerPart = (owner: string): string =>
  `${owner.slice(0, owner.indexOf(':'))}-${shortened(encode(owner.slice(owner.indexOf(':') + 1)))}`;

/** The branch of an owner's findings of one tier: `grantgate/review/group-billing/removal-high`. */
export function branchOf({ owner, tier, risk, turn }: Named): string {
  const high = risk === 'high' ? '-high' : '';
  return `${branchPrefix}${ownerPart(owner)}/${tier}${high}${turn > 1 ? `-${turn}` : ''}`;
}

const pattern = new RegExp(
  `^(user|group)-([^/]+)/(${detectorTierNames.join('|')})(-high)?(?:-([1-9]\\d{0,3}))?$`,
);

/** Reads a branch's name back, of a long owner what is left of it; null for any other branch. */
export function parseBranch(branch: string): Named | null {
  const match = pattern.exec(branch.startsWith(branchPrefix) ? branch.slice(branchPrefix.length) : '');
  if (match === null) return null;
  const [, kind = '', name = '', tier, high, turn = '1'] = match;
  const found = detectorTierNames.find((known) => known === tier);
  if (found === undefined) return null;
  const risk = high === undefined ? 'routine' : 'high';
  return { owner: `${kind}:${decode(name)}`, tier: found, risk, turn: Number(turn) };
}

export const isUrgent = (branch: string): boolean => parseBranch(branch)?.tier === 'urgent';
/** Whether a branch is of a family, and which of its. */
export const turnOf = (branch: string, family: Family): number | null => {
  const turn = parseBranch(branch)?.turn;
  return turn !== undefined && branchOf({ ...family, turn }) === branch ? turn : null;
};
