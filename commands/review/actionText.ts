import type { Opened } from '../../reviewer/proposal/openProposal.ts';

const said: ReadonlyMap<string, string> = new Map<Opened['action'], string>([
  ['idle', 'is open already and says the same'],
  ['left', 'was left alone: somebody has committed to its branch, or approved it'],
]);

/** What became of a pull request, behind its address; other actions are words already. */
export const actionText = (action: string): string => said.get(action) ?? action;
