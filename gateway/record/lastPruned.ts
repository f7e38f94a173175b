import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Next to the decision files: what was pruned and erased of them, a line each. */
export const manifestName = 'manifest.jsonl';

/** The newest of the files that were pruned, as the manifest notes it; `seq` is the last number given out in it. */
export type LastPruned = { file: string; place: number; sha256: string; bytes: number; seq: number };

/** Reads the manifest of an instance's files: of them all, none may be left. Null where it notes no pruned file. */
export function lastPruned(home: string): LastPruned | null {
  const path = join(home, manifestName);
  if (!existsSync(path)) return null;
  let last: LastPruned | null = null;
  for (const line of readFileSync(path, 'utf8').split('\n')) {
    const found = prunedIn(line);
    if (found !== null && (last === null || found.place > last.place || found.seq > last.seq)) last = found;
  }
  return last;
}

function prunedIn(line: string): LastPruned | null {
  try {
    const { pruned } = JSON.parse(line) as {
      pruned?: {
        file: string;
        sha256: string;
        bytes: number;
        chain: { place: number } | null;
        seq: number[] | null;
      };
    };
    if (pruned === undefined) return null;
    const { file, sha256, bytes, chain, seq } = pruned;
    return { file, sha256, bytes, place: chain?.place ?? 0, seq: seq?.[1] ?? 0 };
  } catch {
    return null;
  }
}
