import type { Bundle } from '../../../bundle/archive/bundle.ts';
import { BundleError } from '../../../bundle/bundleError.ts';
import { type SourceAddress, sourceName } from '../contract/parseSource.ts';
import { createLastFound, type Found, type Source } from '../contract/source.ts';
import type { TlsFiles } from '../transport/openConnections.ts';
import { assertSigned } from './assertSigned.ts';
import { openGitMirror } from './gitMirror.ts';

export type GitSourceOptions = {
  address: Extract<SourceAddress, { kind: 'git' }>;
  stateFolder: string;
  token?: string;
  tls?: TlsFiles;
  timeoutMs?: number;
  /** A file of Git's allowed signers: only a commit that one of them signed is taken. */
  allowedSigners?: string;
  /** Compiles the commit of a bare repository. */
  assemble: (repository: string, commit: string) => Promise<Bundle>;
};

/**
 * Bundles compiled here, from the commits of one branch. They carry no signature: the repository is what is trusted, or
 * whoever signed the commit at the tip of the branch. That one vouches for all of its history by its hashes; what lies
 * beneath need not be signed.
 */
export function gitSource({
  address,
  stateFolder,
  token,
  tls,
  timeoutMs = 120_000,
  allowedSigners,
  assemble,
}: GitSourceOptions): Source {
  const mirror = openGitMirror(address, {
    stateFolder,
    timeoutMs,
    ...(token === undefined ? {} : { token }),
    ...(tls === undefined ? {} : { tls }),
  });
  const last = createLastFound();
  const closing = new AbortController();
  let rebuilt = false;
  /** Since the last bundle: whoever rewrote history may have been refused first. */
  let rewritten = false;

  const look = async (signal: AbortSignal, force: boolean): Promise<Found | null> => {
    const { commit, forced } = await mirror.fetch(signal);
    rewritten ||= forced;
    if (last.check(commit, force) === 'unchanged') return null;
    // Not settled: a signer may be added to the list, and then the same commit is good.
    if (allowedSigners !== undefined) await assertSigned(mirror, commit, { allowedSigners, signal });
    const acknowledge = (refusal: Error | null) => {
      last.acknowledge(commit, refusal);
      if (refusal === null) mirror.tidy(closing.signal).catch(() => {});
    };
    try {
      const bundle = await assemble(mirror.folder, commit);
      const notes = rewritten
        ? [
            {
              code: 'branch-rewritten',
              message: `the history of "${address.branch}" was rewritten at ${commit}`,
            },
          ]
        : [];
      rewritten = false;
      return { bundle, archive: null, notes, acknowledge };
    } catch (error) {
      // What is wrong with a commit stays wrong with it; anything else may pass.
      if (error instanceof BundleError) acknowledge(error);
      throw error;
    }
  };

  return {
    kind: 'git',
    name: sourceName(address),
    eager: false,
    waiting: false,
    async next({ signal, force = false }) {
      try {
        const found = await look(signal, force);
        rebuilt = false;
        return found;
      } catch (error) {
        // A power cut can leave objects half written. All of the mirror can be had again, so it is, but not each time.
        if (codeOf(error) !== 'git-failed' || rebuilt) throw error;
        rebuilt = true;
        await mirror.discard();
        return await look(signal, force);
      }
    },
    watch: () => () => {},
    close: async () => closing.abort(),
  };
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
