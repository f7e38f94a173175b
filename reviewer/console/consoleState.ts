import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Tree } from '../../bundle/git/tree.ts';
import { heat } from '../inventory/heat.ts';
import { type Inventory, neverCalled, openInventory, uncatalogued } from '../inventory/inventory.ts';
import type { Explained } from '../plan/explainFinding.ts';
import type { Plan } from '../plan/finding.ts';
import type { Background } from './background.ts';
import { keepPlan } from './keepPlan.ts';
import { keepTree } from './keepTree.ts';
import { keepUse } from './keepUse.ts';
import type { OpenUse } from './openUse.ts';
import type { PastFilter, Place } from './past/pastDecisions.ts';
import type { Standing } from './views/frame.ts';
import type { Use } from './views/usagePage.ts';

type Options = {
  root: string;
  decisions: readonly string[];
  /** Gateways' roll-ups: folders, files, globs, and addresses of admin listeners. */
  usage: readonly string[];
  adminToken: string | null;
  /** The instant that all is told of, seconds since 1970; null: now, whenever that is. */
  asOf: number | null;
  /** Milliseconds since 1970. */
  now: () => number;
  background: Background;
};

/** What is known at this moment; what is still being read is null, and the standing's notes say so. */
export type Known = {
  tree: Tree;
  inventory: Inventory;
  use: Use;
  plan: Plan | null;
  standing: Standing;
};

export type ConsoleState = {
  known(): Known;
  /** Has the repository looked at again, and old evidence read anew; pages do not wait for it. */
  look(): void;
  /** Grant → uses a day, to today; null while nothing is known of use. */
  daysOf(grants: readonly string[]): Promise<ReadonlyMap<string, readonly number[]> | null>;
  /** The newest decisions on record that fit; null while none are known. */
  decisions(filter: PastFilter, behind: Place | null): ReturnType<OpenUse['decisions']> | null;
  decision(id: string): ReturnType<OpenUse['decision']> | null;
  explain(fingerprint: string): Promise<Explained | null>;
  close(): Promise<void>;
};

/** A look at the repository costs some milliseconds; reading all evidence, seconds. */
const lookEveryMs = 2000;
const readEveryMs = 15 * 60_000;
/** Grants end as time passes. */
const openEverySeconds = 300;

/** Reads the grants, and begins to read all else. Throws ReviewError `grants-invalid`, GitError. */
export async function openConsoleState(options: Options): Promise<ConsoleState> {
  const { root, decisions, usage, adminToken, now, background } = options;
  const instant = () => options.asOf ?? Math.floor(now() / 1000);

  const stop = new AbortController();
  const repository = await keepTree(root);
  const records = keepUse({ decisions, usage, adminToken, now, background, signal: stop.signal });
  const review = keepPlan({ root, decisions, usage, adminToken, background });
  const open = (): Inventory => {
    const { tree, organisation } = repository.current();
    const seen = records.opened()?.seen ?? null;
    return openInventory({ asOf: instant(), revision: tree.revision, organisation, seen });
  };
  /** In two turns: of very many grants each takes a while, and pages need not wait for both. */
  const counted = async (inventory: Inventory): Promise<Pick<Known, 'inventory' | 'use'>> => {
    const cells = heat(inventory);
    await nextTurn();
    const [never, strange] = [neverCalled(inventory), uncatalogued(inventory)];
    return { inventory, use: { cells, days: records.opened()?.apiDays ?? new Map(), never, strange } };
  };
  let current = await counted(open());

  const readUse = (asOf: number) =>
    records.read(asOf, {
      organisation: () => repository.current().organisation,
      async taken(opened) {
        // Who may do what is as it was: only what is said of use is new.
        current = await counted({ ...current.inventory, seen: opened?.seen ?? null });
      },
    });
  let readAt = now();
  let reading: Promise<unknown> | null = null;
  const read = () => {
    readAt = now();
    const asOf = instant();
    review.noteStart();
    // What the one reads the other asks.
    reading ??= readUse(asOf)
      .then(() => review.read(asOf, records.kept()))
      .finally(() => {
        reading = null;
      });
  };
  read();

  let lookedAt = now();
  let looking: Promise<void> | null = null;
  const lookOnce = async () => {
    const isAnother = await repository.look(async () => {
      current = await counted(open());
      readAt = Number.NEGATIVE_INFINITY;
    });
    if (!isAnother && instant() - current.inventory.asOf >= openEverySeconds) current = await counted(open());
    if (reading === null && now() - readAt > readEveryMs) read();
  };

  return {
    known() {
      const { tree } = repository.current();
      const fault = repository.fault();
      const notes = [
        fault === null ? null : { text: fault, bad: true as const },
        records.note(),
        review.note(),
      ];
      const { asOf } = current.inventory;
      return {
        ...{ tree, plan: review.plan(), ...current },
        standing: { root, revision: tree.revision, asOf, notes: notes.filter((note) => note !== null) },
      };
    },
    look() {
      if (looking !== null || now() - lookedAt < lookEveryMs) return;
      lookedAt = now();
      looking = lookOnce()
        .catch(repository.fail)
        .finally(() => {
          looking = null;
        });
    },
    daysOf: async (grants) =>
      (await records.opened()?.daysOf(grants.map((grant) => ({ key: grant, grant })))) ?? null,
    decisions: (filter, behind) => records.opened()?.decisions(filter, behind) ?? null,
    decision: (id) => records.opened()?.decision(id) ?? null,
    explain: (fingerprint) => background.ask('explain', { fingerprint }),
    async close() {
      stop.abort();
      await background.close();
      await looking;
      await reading;
      await records.close();
    },
  };
}
