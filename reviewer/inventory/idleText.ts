import type { Idle } from '../../bundle/access/openAccess.ts';

/** Why a grant gives nobody anything, in words. */
export const idleText: Readonly<Record<Idle, string>> = {
  suspended: 'it is suspended',
  expired: 'it has ended',
  nobody: 'it reaches nobody active by the directory',
};
