import type { Problem } from '../../bundleError.ts';
import { sortProblems } from '../../yaml/problem.ts';
import { createDataReads } from './dataReads.ts';
import type { KnownDocuments } from './documentReads.ts';
import { createInputReads, type FactRead } from './inputReads.ts';
import { createKindOf } from './kinds.ts';
import { nameProblems } from './nameProblems.ts';
import { type Parser, parsePolicies } from './parsePolicies.ts';
import type { PolicyReads } from './policyReads.ts';
import { createReadsClock } from './readsClock.ts';
import { createRootRead, problemAt } from './rootRead.ts';
import { createShapeFault } from './shapeFault.ts';
import { isTerm } from './syntax.ts';
import { walkModules } from './walkModules.ts';

/** What a policy reads, and where it may read what a decision does not get. */
export type Examined = {
  problems: Problem[];
  reads: Pick<PolicyReads, 'api' | 'clock' | 'documents' | 'facts' | 'networks'>;
  /** Each place where a fact is read, by its name. */
  facts: readonly FactRead[];
};

/**
 * Tells from OPA's syntax tree what a policy reads, and lists each place that may read what a decision does not get:
 * there it would not be seen, and a rule that denies would be silent. `documents` are the data documents there are. Throws
 * BundleError `policy-invalid`, OpaError.
 */
export async function examinePolicy(
  opa: Parser,
  policies: ReadonlyMap<string, Buffer>,
  documents: KnownDocuments = new Map(),
): Promise<Examined> {
  const walk = walkModules(await parsePolicies(opa, policies));
  const kindOf = createKindOf(walk);
  const shapeFault = createShapeFault(walk, kindOf);
  const rootRead = createRootRead();
  const dataReads = createDataReads(documents, kindOf);
  const inputReads = createInputReads();
  const readsClock = createReadsClock(kindOf);
  const problems = nameProblems(walk);
  let clock = false;
  for (const found of walk.found) {
    const { node } = found;
    const refuse = (fault: string | null) => {
      if (fault !== null) problems.push(problemAt(found, fault));
    };
    refuse(shapeFault(found));
    if ('target' in node && 'value' in node && !isTerm(node))
      refuse('with is for tests: a decision is made of what the request and the document say');
    const read = rootRead(node);
    if (read === 'renamed') refuse(`nothing else may be named ${String(node.value)}`);
    else if (read?.root === 'data') refuse(dataReads.read(read.path, found));
    else if (read?.root === 'input') refuse(inputReads.read(read.path, found));
    clock = readsClock(found) || clock;
  }
  const input = inputReads.all();
  return {
    problems: sortProblems(problems),
    reads: { clock: clock || input.clock, ...dataReads.all(), ...input.names },
    facts: input.facts,
  };
}
