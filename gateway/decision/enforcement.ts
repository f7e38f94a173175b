import { createNetworksOf, type NetworksOf } from '../request/clientAddress.ts';
import { createRouter, type Router } from '../request/route.ts';
import { beforeDelta } from '../revision/lineDelta.ts';
import { createSlices, type Slices } from '../revision/slices.ts';
import type { Snapshot } from '../revision/snapshot.ts';
import { createCallers } from './caller.ts';
import { createDecider } from './decider.ts';
import type { Decide } from './decision.ts';

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

/** The router of the revision before where no API changed: most merges change grants only. */
export function sameRouter(snapshot: Snapshot, before: Enforcement | null): Router | null {
  const same = before?.snapshot.lines.head.apis === snapshot.lines.head.apis;
  return before !== null && same ? before.route : null;
}

/**
 * Puts a snapshot in force after another one; `route` is its router where that has been built. Throws when its routes
 * or its policy cannot be served.
 */
export function enforce(
  snapshot: Snapshot,
  before: Enforcement | null,
  route: Router = sameRouter(snapshot, before) ?? createRouter(snapshot.apis),
): Enforcement {
  // A caller's answers are remembered: its slice is asked for again only where they hold for no more than a second.
  const slices = createSlices(snapshot, snapshot.reads.clock ? {} : { keptFrom: 4096 });
  const { decide, readFacts } = createDecider(snapshot, slices);
  return {
    snapshot,
    route,
    networksOf: createNetworksOf(snapshot.networks),
    decide: createCallers(decide, readFacts).decide,
    principal: slices.principal,
    previous: before === null ? null : remembered(before, snapshot),
  };
}

const few = { maxBytes: 4 * 2 ** 20 };

/** The enforcement before, in no more memory than what it had otherwise takes, where that is known. */
function remembered(enforcement: Enforcement, after: Snapshot): Enforcement {
  const { snapshot } = enforcement;
  // What follows must hold on to nothing of the snapshot that leads to its lines.
  const { apis, wasm, reads } = snapshot;
  const { revision, digest, delta } = after.before ?? {};
  if (delta === undefined || revision !== snapshot.revision || digest !== snapshot.digest)
    return { ...enforcement, previous: null };
  const { head, documents } = snapshot.lines;
  const lines = beforeDelta(after.lines, delta, { head, documents });
  const slices = createSlices({ lines, reads });
  let decide: Decide | null = null;
  return {
    ...enforcement,
    snapshot: { ...snapshot, lines, before: null },
    principal: slices.principal,
    // It is asked about denials only, so mostly never.
    decide: (question) => {
      if (decide === null) {
        const anew = createDecider({ apis, reads, wasm }, slices);
        // The same denial may come a thousand times a second.
        decide = createCallers(anew.decide, anew.readFacts, few).decide;
      }
      return decide(question);
    },
    previous: null,
  };
}
