import type { DetectorTier } from './tiers.ts';
import { branchPrefix } from './workspace.ts';

type Named = { owner: string; tier: DetectorTier };

// What Git forbids in branch names, and what would have to be quoted in a shell or an address, stands as the bytes of
// its UTF-8; so do "..", ".lock" and a dot at an end. A long name is cut nowhere: two owners never share a branch.
const bytes = (text: string) =>
  [...Buffer.from(text)].map((byte) => `=${byte.toString(16).padStart(2, '0')}`).join('');
const encode = (name: string) =>
  name.replace(/[^A-Za-z0-9.@+_-]+/g, bytes).replace(/\.(?=\.|lock|$)|^\.|@(?=\{|$)/g, bytes);
const decode = (name: string) =>
  name.replace(/(?:=[0-9a-f]{2})+/g, (run) => Buffer.from(run.replaceAll('=', ''), 'hex').toString());

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
