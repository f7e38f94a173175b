import { type KeptUsage, keepUsage } from '../evidence/usage.ts';
import { furthestBack } from '../sources/furthestBack.ts';
import { openSources } from '../sources/openSources.ts';

type Options = {
  /** Where the database is to be. */
  file: string;
  decisions: readonly string[];
  usage?: readonly string[];
  adminToken?: string | null;
  /** Seconds since 1970. */
  asOf: number;
  readAt: number;
  signal: AbortSignal;
};

/** Reads records and roll-ups, those of gateways too, into a file that many may ask; null where there are none. Throws ReviewError. */
export async function readAll({
  file,
  decisions,
  usage = [],
  adminToken = null,
  asOf,
  readAt,
  signal,
}: Options): Promise<KeptUsage | null> {
  const sources = await openSources({
    decisions,
    usage,
    since: furthestBack(asOf),
    token: adminToken,
    signal,
  });
  try {
    const kept = await keepUsage(file, {
      ...{ sources: sources.decisions, rollups: sources.rollups, asOf, readAt, signal },
    });
    if (kept === null) return null;
    const unreadable = [...kept.loaded.unreadable, ...sources.unreachable];
    const told = unreadable.map((one) => ({ ...one, file: sources.origin(one.file) }));
    return { ...kept, loaded: { ...kept.loaded, unreadable: told } };
  } finally {
    await sources.close();
  }
}
