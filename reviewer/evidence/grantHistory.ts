import { canonicalJson } from '../../bundle/format/canonicalJson.ts';
import { detached } from '../../bundle/format/detached.ts';
import { fileKind } from '../../bundle/grants/fileKinds.ts';
import { fold } from '../../bundle/grants/names.ts';
import { readAccess, readNetworks } from '../../bundle/grants/readGrants.ts';
import type { GrantEntry } from '../../bundle/grants/schema.ts';
import type { Aside } from './commits/readAsides.ts';
import type { Step } from './commits/readCommits.ts';
import { type ApiThen, coversOf, noApi, readApiThen } from './grants/apiThen.ts';
import { grew, isWider, restDays } from './grants/grew.ts';
import { textsOf } from './grants/textsOf.ts';

/** What Git tells of a grant, in seconds since 1970. */
export type GrantHistory = Readonly<{
  /** The grant changed, its review aside, by a later commit than the one that wrote its review. */
  changedSinceReview: boolean;
  /** Since when it is suspended; null for an active one, and where Git does not reach back far enough to tell. */
  suspendedAt: number | null;
  /**
   * When its reach last grew: it came, was put back, reactivated, widened, or prolonged after its end; null where it was
   * there when the history began, and nothing of that happened since.
   */
  grownAt: number | null;
  /** When it last came, was put back or reactivated; null where it was there when the history began. */
  restoredAt: number | null;
  /** When it was last given to another principal; null where that did not happen since it came. */
  heldAt: number | null;
  /** When it last got another owner, likewise. */
  ownedAt: number | null;
}>;

/** Of those that were there when the history began, and to which nothing happened since. */
const untouched: GrantHistory = {
  changedSinceReview: false,
  suspendedAt: null,
  grownAt: null,
  restoredAt: null,
  heldAt: null,
  ownedAt: null,
};

type Instant = 'suspendedAt' | 'grownAt' | 'restoredAt' | 'heldAt' | 'ownedAt';
type Networks = ReadonlyMap<string, readonly string[]>;

/** Reads a grant's text, once for the two times that it is compared. */
function createParser() {
  let last: { text: string; entry: GrantEntry | null } | null = null;
  return (text: string): GrantEntry | null => {
    if (last?.text !== text)
      last = { text, entry: readAccess(Buffer.from(text), '', '').entries[0]?.entry ?? null };
    return last.entry;
  };
}

/** Null where they cannot be read. */
function networksIn(bytes: Buffer, path: string): Networks | null {
  const declared = readNetworks(bytes, path).value;
  return declared === undefined ? null : new Map(Object.entries(declared));
}

const apiIn = (apis: ReadonlyMap<string, ApiThen>, { api }: GrantEntry) => apis.get(api) ?? noApi;

const aside = ({ review: _, ...entry }: GrantEntry) => canonicalJson(entry);

/**
 * Follows every grant through the commits, which are given one after the other, oldest first. Only texts that changed
 * are parsed. Of a file its bytes are kept and nothing of the grants in it: there may be a million.
 */
export function createGrantHistory() {
  /** Every grant that ever was. */
  const histories = new Map<string, GrantHistory>();
  /** Those of them that are not there now. */
  const absent = new Set<string>();
  const files = new Map<string, Buffer>();
  const apis = new Map<string, ApiThen>();
  let networks: Networks = new Map();
  const takenAside = new Set<string>();
  /** Grants as the branch left them that is to be merged; null: not there. */
  const tips = new Map<string, { path: string; text: string | null; mergedAt: number }>();
  let isBegun = false;
  const parse = createParser();
  const note = (id: string, found: Partial<GrantHistory>) => {
    histories.set(id, { ...(histories.get(id) ?? untouched), ...found });
  };
  const noteNoEarlier = (id: string, at: number, which: readonly Instant[]) => {
    const known = histories.get(id);
    note(id, Object.fromEntries(which.map((name) => [name, Math.max(known?.[name] ?? at, at)])));
  };

  /**
   * Whatever day it says it was given on, nobody had it before it came: a grant that was written late, or that has
   * another id now, was not idle all the time.
   */
  const appear = (id: string, text: string, { at, blind }: Step, came: GrantHistory) => {
    // Most are not, and need not be read: the word stands there, or hides behind an escape.
    const suspended = /suspended|\\/.test(text) && parse(text)?.state === 'suspended';
    const suspendedAt = suspended && !blind ? at : null;
    if (histories.has(id)) note(id, { changedSinceReview: false, suspendedAt, grownAt: at, restoredAt: at });
    else histories.set(detached(id), suspendedAt === null ? came : { ...came, suspendedAt });
  };

  /** What a change to a grant began anew; `before`: APIs as they were. */
  const begun = (
    old: GrantEntry,
    now: GrantEntry,
    at: number,
    before: ReadonlyMap<string, ApiThen>,
  ): Instant[] => {
    const which: Instant[] = [];
    const isWidened = isWider(coversOf(old, apiIn(before, old)), coversOf(now, apiIn(apis, now)));
    // Of what is to be used more often nobody expected use so soon before.
    if (grew(old, now, at) || isWidened || restDays(now) < restDays(old)) which.push('grownAt');
    if (fold(old.principal) !== fold(now.principal)) which.push('heldAt');
    if (fold(old.owner) !== fold(now.owner)) which.push('ownedAt');
    return which;
  };

  const change = (id: string, texts: Comparison, at: number, before: ReadonlyMap<string, ApiThen>) => {
    const [old, now] = [parse(texts.before), parse(texts.after)];
    if (old === null || now === null) return;
    if (old.state !== now.state) {
      note(id, { suspendedAt: now.state === 'suspended' ? at : null });
      if (now.state === 'active') note(id, { restoredAt: at });
    }
    note(id, Object.fromEntries(begun(old, now, at, before).map((name) => [name, at])));
    // What the commit changed that wrote the keep was kept with it.
    if (canonicalJson(old.review ?? null) !== canonicalJson(now.review ?? null))
      note(id, { changedSinceReview: false });
    else if (aside(old) !== aside(now)) note(id, { changedSinceReview: true });
  };

  /** Those that grow among the grants of files that have a word in them. */
  const grow = (word: string, at: number, grows: (entry: GrantEntry) => boolean) => {
    for (const bytes of files.values()) {
      if (!bytes.includes(word)) continue;
      for (const [id, text] of textsOf(bytes)) {
        const entry = text.includes(word) ? parse(text) : null;
        if (entry !== null && grows(entry)) noteNoEarlier(id, at, ['grownAt']);
      }
    }
  };

  /** Grants reach further when their role does, when what anybody might call is theirs alone, and when callers of another kind get in. */
  const widen = (api: string, before: ApiThen, after: ApiThen, at: number) => {
    const opened = isWider(before.methods, after.methods);
    const wider = [...after.roles].some(([role, now]) => isWider(before.roles.get(role) ?? [], now));
    if (!opened && !wider && !isWider([...after.open], [...before.open])) return;
    grow(api, at, (entry) => {
      const isWidened = isWider(coversOf(entry, before), coversOf(entry, after));
      return entry.api === api && (opened || isWidened);
    });
  };

  /** Where all that a grant may be used from lies elsewhere than before, nobody used it from there. */
  const moveNetworks = (before: Networks, after: Networks, at: number) =>
    grow('networks', at, ({ conditions }) => {
      const blocks = (of: Networks) => conditions?.networks?.flatMap((name) => of.get(name) ?? []) ?? [];
      const were = blocks(before);
      return conditions?.networks !== undefined && !blocks(after).some((block) => were.includes(block));
    });

  /** What a grant's holder, owner and reach were meanwhile is not held against what they are again. */
  const changeAside = (id: string, texts: Comparison, at: number) => {
    const [old, now] = [parse(texts.before), parse(texts.after)];
    if (old === null || now === null) return;
    const which = begun(old, now, at, apis);
    if (old.state === 'suspended' && now.state === 'active') which.push('restoredAt');
    if (old.state === 'active' && now.state === 'suspended' && histories.get(id)?.suspendedAt != null)
      which.push('suspendedAt');
    noteNoEarlier(id, at, which);
  };

  const asideOfApi = (
    path: string,
    { before, after }: Pick<Aside['files'][number], 'before' | 'after'>,
    at: number,
  ) => {
    const name = path.slice(path.lastIndexOf('/') + 1, -'.yaml'.length);
    const [old, now] = [before, after].map((bytes) => (bytes === null ? noApi : readApiThen(bytes)));
    if (old && now) widen(name, old, now, at);
  };

  /** What a merge made more of than its branch had left: it may have been what was enforced. */
  const settleTips = (until: number) => {
    const read = new Map<string, Map<string, string>>();
    const textIn = (path: string, id: string) => {
      const bytes = files.get(path);
      if (bytes === undefined) return undefined;
      const texts = read.get(path) ?? textsOf(bytes);
      read.set(path, texts);
      return texts.get(id);
    };
    for (const [id, { path, text, mergedAt }] of tips) {
      if (mergedAt >= until) continue;
      tips.delete(id);
      const now = absent.has(id) ? undefined : textIn(path, id);
      if (now === undefined || now === text) continue;
      if (text === null) noteNoEarlier(id, mergedAt, ['grownAt', 'restoredAt']);
      else changeAside(id, { before: text, after: now }, mergedAt);
    }
  };

  return {
    step(step: Step): void {
      settleTips(step.at);
      const before = new Map(apis);
      for (const { path, bytes } of step.files) {
        const kind = fileKind(path);
        if (kind.kind === 'networks') {
          const declared = bytes === null ? new Map() : networksIn(bytes, path);
          if (declared === null) continue;
          const old = networks;
          networks = declared;
          moveNetworks(old, networks, step.at);
        }
        if (kind.kind !== 'api') continue;
        const api = bytes === null ? noApi : readApiThen(bytes);
        if (api !== null) apis.set(kind.name, api);
      }
      for (const [name, api] of apis) {
        const old = before.get(name);
        if (old !== undefined && old !== api && !step.blind) widen(name, old, api, step.at);
      }
      const were = new Map<string, string>();
      const are = new Map<string, string>();
      const fresh = new Set<string>();
      // One for all that come together: there may be a million.
      const came = isBegun ? { ...untouched, grownAt: step.at, restoredAt: step.at } : untouched;
      isBegun = true;
      for (const { path, bytes } of step.files) {
        if (fileKind(path).kind !== 'access') continue;
        const old = files.get(path);
        if (old !== undefined) for (const [id, text] of textsOf(old)) were.set(id, text);
        files.delete(path);
        if (bytes === null) continue;
        files.set(path, bytes);
        for (const [id, text] of textsOf(bytes))
          if (histories.has(id) && !fresh.has(id)) are.set(id, text);
          else {
            appear(id, text, step, came);
            fresh.add(id);
          }
      }
      for (const [id, text] of are) {
        const old = were.get(id);
        // What is neither gone nor in a file that changed stands twice: as if it were put back.
        if (absent.delete(id) || old === undefined) appear(id, text, step, came);
        else if (old !== text) change(id, { before: old, after: text }, step.at, before);
      }
      for (const id of were.keys()) if (!are.has(id)) absent.add(detached(id));
    },
    /** A commit on a merged branch, before the step that merged it: what it gave it gave no later than that. */
    aside({ at, mergedAt, files: changed }: Pick<Aside, 'at' | 'mergedAt' | 'files'>): void {
      settleTips(mergedAt);
      const [earlier, later] = [new Map<string, string>(), new Map<string, string>()];
      for (const { path, before, after } of changed) {
        const { kind } = fileKind(path);
        if (kind === 'access') {
          const [were, are] = [before, after].map((bytes) => (bytes === null ? [] : [...textsOf(bytes)]));
          for (const [id, text] of were ?? []) earlier.set(id, text);
          for (const [id, text] of are ?? []) later.set(id, text);
          for (const [id, old] of were ?? []) {
            const text = later.get(id) ?? null;
            if (text !== old && histories.has(id)) tips.set(id, { path, text, mergedAt });
          }
        } else if (kind === 'api') asideOfApi(path, { before, after }, at);
        else if (kind === 'networks' && before !== null && after !== null)
          moveNetworks(networksIn(before, path) ?? new Map(), networksIn(after, path) ?? new Map(), at);
      }
      for (const id of earlier.keys()) if (!later.has(id)) takenAside.add(id);
      for (const [id, text] of later) {
        const [known, old] = [histories.get(id), earlier.get(id)];
        if (known === undefined || text === old) continue;
        if (old === undefined) {
          if (takenAside.has(id)) noteNoEarlier(id, at, ['grownAt', 'restoredAt']);
        } else changeAside(id, { before: old, after: text }, at);
      }
    },
    /** What was found, without anything that it was found in. */
    end: () => {
      settleTips(Number.POSITIVE_INFINITY);
      return lookUpIn(histories);
    },
  };
}

/** A function of its own: what a closure over there sees stays in memory as long as the history. */
const lookUpIn =
  (histories: ReadonlyMap<string, GrantHistory>) =>
  (id: string): GrantHistory | null =>
    histories.get(id) ?? null;

type Comparison = { before: string; after: string };
