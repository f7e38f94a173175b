import { createHash } from 'node:crypto';
import { mkdir, open, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isOlder, type Release, type ReleaseTerms, termsOf } from '../../bundle/archive/release.ts';

/** What is told of a release that was in force. */
export type Enforced = Release & ReleaseTerms;

export type FloorFile = {
  /** The latest release of the source that was ever in force here; null when none was. */
  read: () => Promise<Enforced | null>;
  /** Notes that a release is in force; `back` also when a later one was. Durable once it settles. */
  raise: (release: Enforced, back: boolean) => Promise<void>;
};

/**
 * Keeps what was in force apart from the kept bundle, so that an older one put in its place is known for what it is.
 * Each release is an empty file whose name tells all: made in one step, and the latest counts. Names are only ever
 * removed beneath a later one, so no order of writers, and no crash, lets the floor sink.
 */
export function openFloorFile(stateFolder: string, source: string): FloorFile {
  const stem = `floor-${createHash('sha256').update(source).digest('hex').slice(0, 16)}-`;

  const all = async (): Promise<{ name: string; release: Enforced }[]> => {
    const names = await readdir(stateFolder).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return [];
      throw error;
    });
    return names.flatMap((name) => {
      const release = name.startsWith(stem) ? parse(name.slice(stem.length)) : null;
      return release === null ? [] : [{ name, release }];
    });
  };
  const latestOf = (found: readonly { release: Enforced }[]) =>
    found.reduce<Enforced | null>(
      (latest, { release }) => (latest === null || isOlder(latest, release) ? release : latest),
      null,
    );
  const remove = (found: readonly { name: string }[]) =>
    Promise.all(found.map(({ name }) => rm(join(stateFolder, name), { force: true })));

  return {
    read: async () => latestOf(await all()),
    async raise(release, back) {
      const latest = latestOf(await all());
      const goesBack = latest !== null && isOlder(release, latest);
      if (goesBack && !back) return;
      await mkdir(stateFolder, { recursive: true, mode: 0o700 });
      await writeFile(join(stateFolder, stem + format(release)), '', { mode: 0o600 });
      await sync(stateFolder);
      const found = await all();
      // Where a later one came meanwhile, from another process, this one goes as well.
      const kept = goesBack ? release : (latestOf(found) ?? release);
      await remove(found.filter((one) => isOlder(one.release, kept)));
      if (goesBack) await remove(found.filter((one) => isOlder(release, one.release)));
    },
  };
}

/** `COUNTER`, then `.FROM.NTH` of a way back, then `.until.MILLISECONDS` of an end. */
function format({ counter, rollback, validUntil }: Enforced): string {
  const way = rollback === undefined ? '' : `.${rollback.from}.${rollback.nth}`;
  return `${counter}${way}${validUntil === undefined ? '' : `.until.${Date.parse(validUntil)}`}`;
}

function parse(text: string): Enforced | null {
  const [, counter, from, nth, untilMs] =
    /^(\d{1,15})(?:\.(\d{1,15})\.(\d{1,15}))?(?:\.until\.(\d{1,15}))?$/.exec(text) ?? [];
  if (counter === undefined) return null;
  const way = from === undefined ? {} : { rollback: { from: Number(from), nth: Number(nth) } };
  const end = untilMs === undefined ? {} : { validUntil: new Date(Number(untilMs)).toISOString() };
  return { counter: Number(counter), ...termsOf({ ...way, ...end }) };
}

/** A name is durable only once its folder is. */
async function sync(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  await handle.sync().catch(() => {});
  await handle.close();
}
