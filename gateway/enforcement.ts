import { createNetworksOf, type NetworksOf } from './clientAddress.ts';
import { createDecide, type Decide, decisionPath } from './decide.ts';
import { createEvaluator } from './evaluator.ts';
import { rememberDecisions } from './rememberDecisions.ts';
import { createRouter, type Router } from './route.ts';
import { createSlices, type Slices } from './slices.ts';
import type { Snapshot } from './snapshot.ts';

/** One revision in force: everything a request needs of it, swapped as one reference. */
export type Enforcement = {
  readonly snapshot: Snapshot;
  readonly route: Router;
  readonly networksOf: NetworksOf;
  readonly decide: Decide;
  /** What the directory says of a subject. */
  readonly principal: Slices['principal'];
  /** The revision before, to tell denials that this one brought; it holds no further one. */
  readonly previous: Enforcement | null;
};

/** Puts a snapshot in force after another one. Throws when its routes or its policy cannot be served. */
export function enforce(snapshot: Snapshot, before: Enforcement | null): Enforcement {
  const slices = createSlices(snapshot);
  return {
    snapshot,
    route: createRouter(snapshot.apis),
    networksOf: createNetworksOf(snapshot.networks),
    decide: rememberDecisions(createDecide(slices, createEvaluator(snapshot.wasm, decisionPath))),
    principal: slices.principal,
    previous: before === null ? null : { ...before, previous: null },
  };
}
