import type { DetectorTier } from './tiers.ts';
import { branchPrefix } from './workspace.ts';

type Named = { owner: string; tier: DetectorTier };

// Git forbids "..", ".lock" and a dot at an end in branch names; a dot is the one such character an owner's name holds.
const encode = (name: string) => name.replace(/\.(?=\.|lock|$)/g, '=2e').replace(/^\./, '=2e');
const decode = (name: string) => name.replaceAll('=2e', '.');

/** The branch of an owner's findings of one tier: `grantgate/review/group-billing/removal`. */
export function branchOf({ owner, tier }: Named): string {
  const colon = owner.indexOf(':');
  return `${branchPrefix}${owner.slice(0, colon)}-${encode(owner.slice(colon + 1))}/${tier}`;
}

/** Reads a branch's name back; null for any other branch. */
export function parseBranch(branch: string): Named | null {
  const match = /^(user|group)-([^/]+)\/(urgent|removal|narrowing|certification)$/.exec(
    branch.startsWith(branchPrefix) ? branch.slice(branchPrefix.length) : '',
  );
  if (match === null) return null;
  const [, kind = '', name = '', tier = ''] = match;
  return { owner: `${kind}:${decode(name)}`, tier: tier as DetectorTier };
}
