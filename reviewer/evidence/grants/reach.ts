import { fileKind } from '../../../bundle/grants/fileKinds.ts';
import { readNetworks } from '../../../bundle/grants/readGrants.ts';
import type { GrantEntry } from '../../../bundle/grants/schema.ts';
import type { AsideChange } from '../commits/readAsides.ts';
import type { Step } from '../commits/readCommits.ts';
import { type ApiThen, coversOf, noApi, readApiThen } from './apiThen.ts';
import type { createGrantFiles } from './grantFiles.ts';
import { isWider } from './grew.ts';

type Networks = ReadonlyMap<string, readonly string[]>;

/** Null where they cannot be read. */
function networksIn(bytes: Buffer, path: string): Networks | null {
  const declared = readNetworks(bytes, path).value;
  return declared === undefined ? null : new Map(Object.entries(declared));
}

/**
 * Follows what grants rest on, APIs and networks: a grant may reach further without a change of its own. What yields ids
 * yields those of grants whose reach grew by it, as the files of `grants` are then.
 */
export function createReach(grants: Pick<ReturnType<typeof createGrantFiles>, 'withWord'>) {
  const apis = new Map<string, ApiThen>();
  let networks: Networks = new Map();

  function* growing(word: string, grows: (entry: GrantEntry) => boolean): Generator<string> {
    for (const [id, entry] of grants.withWord(word)) if (grows(entry)) yield id;
  }

  /** Grants reach further when their role does, when what anybody might call is theirs alone, and when callers of another kind get in. */
  function* widen(api: string, before: ApiThen, after: ApiThen): Generator<string> {
    const opened = isWider(before.methods, after.methods);
    const wider = [...after.roles].some(([role, now]) => isWider(before.roles.get(role) ?? [], now));
    if (!opened && !wider && !isWider([...after.open], [...before.open])) return;
    yield* growing(api, (entry) => {
      const isWidened = isWider(coversOf(entry, before), coversOf(entry, after));
      return entry.api === api && (opened || isWidened);
    });
  }

  /** Where all that a grant may be used from lies elsewhere than before, nobody used it from there. */
  function* moveNetworks(before: Networks, after: Networks): Generator<string> {
    yield* growing('networks', ({ conditions }) => {
      const blocks = (of: Networks) => conditions?.networks?.flatMap((name) => of.get(name) ?? []) ?? [];
      const earlier = blocks(before);
      return conditions?.networks !== undefined && !blocks(after).some((block) => earlier.includes(block));
    });
  }

  return {
    /** By name, as they are now. */
    apis: apis as ReadonlyMap<string, ApiThen>,
    *step({ files, blind }: Pick<Step, 'files' | 'blind'>): Generator<string> {
      const before = new Map(apis);
      for (const { path, bytes } of files) {
        const kind = fileKind(path);
        if (kind.kind === 'networks') {
          const declared = bytes === null ? new Map() : networksIn(bytes, path);
          if (declared === null) continue;
          const earlier = networks;
          networks = declared;
          yield* moveNetworks(earlier, networks);
        }
        if (kind.kind !== 'api') continue;
        const api = bytes === null ? noApi : readApiThen(bytes);
        if (api !== null) apis.set(kind.name, api);
      }
      if (blind) return;
      for (const [name, api] of apis) {
        const earlier = before.get(name);
        if (earlier !== undefined && earlier !== api) yield* widen(name, earlier, api);
      }
    },
    /** By what a commit on a merged branch did to a file; what is followed stays. */
    *aside({ path, before, after }: AsideChange): Generator<string> {
      const kind = fileKind(path);
      if (kind.kind === 'api') {
        const [earlier, later] = [before, after].map((bytes) =>
          bytes === null ? noApi : readApiThen(bytes),
        );
        if (earlier && later) yield* widen(kind.name, earlier, later);
      } else if (kind.kind === 'networks' && before !== null && after !== null)
        yield* moveNetworks(networksIn(before, path) ?? new Map(), networksIn(after, path) ?? new Map());
    },
  };
}
