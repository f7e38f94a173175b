import type { Evidence } from '../evidence/gather.ts';
import type { Forge, ForgePull } from '../forge/forge.ts';
import type { Finding } from '../plan/finding.ts';
import type { Family } from './branch.ts';
import type { Mirror } from './workspace.ts';

/** Who is asked, who is told, and where they find what is spoken of. */
export type People = {
  fileUrl: (file: string, line: number) => string | null;
  /** The forge's names of those who lose access. */
  losing: (findings: readonly Finding[]) => readonly string[];
  isUnsure: (findings: readonly Finding[]) => boolean;
  /** Labels a new pull request and asks for its review. */
  tell: (pull: ForgePull, what: { family: Family; findings: readonly Finding[] }) => Promise<void>;
};

export async function peopleOf(options: {
  forge: Forge;
  mirror: Mirror;
  evidence: Evidence;
}): Promise<People> {
  void options;
  return { fileUrl: () => null, losing: () => [], isUnsure: () => false, tell: async () => {} };
}
