import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Archive } from './readArchive.ts';
import type { Break } from './verifyChain.ts';

/** Roll-ups below `usage` that pruned days were left to, and that are not what they were then. */
export async function missingRollups(
  { instance, manifests }: Pick<Archive, 'instance' | 'manifests'>,
  usage: string,
): Promise<Break[]> {
  const breaks: Break[] = [];
  const days = new Map(
    manifests.flatMap(({ pruned }) => pruned.map(({ day, rollup }) => [day, rollup] as const)),
  );
  for (const [day, digest] of [...days].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const file = join(usage, instance, `${day}.ndjson`);
    const at = (what: string) =>
      breaks.push({
        kind: 'rollup',
        file,
        sentence: `${file} ${what}: it is all that is left of a pruned day`,
      });
    if (!existsSync(file)) at('is missing');
    else {
      const hash = createHash('sha256');
      for await (const piece of createReadStream(file)) hash.update(piece);
      if (hash.digest('hex') !== digest) at('was changed');
    }
  }
  return breaks;
}
