import type { Severity } from '../detect/judge.ts';

const order: readonly Severity[] = ['critical', 'high', 'medium', 'low'];

/** As people read findings: the most severe first, those that are alike as they were. */
export const worstFirst = <T extends { severity: Severity }>(findings: readonly T[]): T[] =>
  findings.toSorted((a, b) => order.indexOf(a.severity) - order.indexOf(b.severity));
