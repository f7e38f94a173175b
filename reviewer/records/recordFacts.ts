import { readArchives } from './readArchive.ts';
import { verifyChain } from './verifyChain.ts';
import { gapSentence } from './verifyText.ts';

/** The decision files at hand of one gateway, and what tells that they are not as they were written. */
export type RecordFacts = {
  instance: string;
  files: number;
  records: number;
  /** Names of the first and the last file; null where none can be read. */
  first: string | null;
  last: string | null;
  /** Each file is bound to the one before it; false where an older version wrote one of them. */
  chained: boolean;
  /** What breaks the chain, and which numbers are missing, in sentences. */
  wrong: readonly string[];
};

/**
 * Reads the decision files of folders, files and globs, and says of each gateway whether they are what was written.
 * What came before the first of them need not be at hand. Throws ReviewError `decisions-unreadable`, `aborted`.
 */
export async function recordFacts(sources: readonly string[], signal?: AbortSignal): Promise<RecordFacts[]> {
  return (await readArchives(sources, signal)).map((archive) => {
    const { instance, files, records, unchained, pruned, holds, open, breaks, gaps } = verifyChain(archive);
    const first = unchained === 0 ? (holds[0]?.from ?? null) : null;
    // A quarter's files are begun after others, which were left where they are.
    const before = archive.files.find(({ name }) => name === first)?.chain?.previous?.file;
    const wrong = [
      ...breaks
        .filter(({ kind, file }) => kind !== 'missing' || file !== before)
        .map(({ sentence }) => sentence),
      ...gaps.filter(({ file, line, again }) => again || line !== null || file !== first).map(gapSentence),
    ];
    return {
      ...{ instance, files, records },
      first: first ?? archive.files[0]?.name ?? null,
      ...{ last: open, chained: unchained === 0 && files + pruned > 0, wrong },
    };
  });
}
