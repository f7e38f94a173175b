import { fileKind } from '../../../bundle/grants/fileKinds.ts';
import { fold } from '../../../bundle/grants/names.ts';
import { readDirectory } from '../../../bundle/grants/readGrants.ts';
import type { DirectoryFile } from '../../../bundle/grants/schema.ts';
import type { Step } from '../commits/readCommits.ts';
import { createAbsences } from './absences.ts';
import { heldFrom, isNewer, isRenumbered } from './compareFiles.ts';
import type { Directories } from './directoriesAt.ts';
import { createIds } from './ids.ts';

/** What a commit says of a provider: its file, `null` where that went, `undefined` where it cannot be read. */
type Word = { provider: string; file: DirectoryFile | null | undefined };

function wordsOf({ files }: Pick<Step, 'files'>): Word[] {
  return files.flatMap(({ path, bytes }) => {
    const kind = fileKind(path);
    if (kind.kind !== 'directory') return [];
    return [{ provider: kind.provider, file: bytes === null ? null : readDirectory(bytes, path).value }];
  });
}

const named = (people: DirectoryFile['people']) => people.map(({ login, id }) => ({ name: login, id }));

const namesIn = ({ people, groups }: DirectoryFile) => [
  ...people.map(({ login }) => fold(`user:${login}`)),
  ...groups.map(({ name }) => fold(`group:${name}`)),
];

/** Follows each provider's file, one commit after the other; `principals`, folded, are those whose ids and absences count. */
export function createProviders(principals: ReadonlySet<string>) {
  /** What each said when it was last read whole. */
  const files = new Map<string, DirectoryFile>();
  /** What those whose file went had said. */
  const former = new Map<string, DirectoryFile>();
  /** Read in part, and enforced all the same: whom they leave out nobody let in. */
  const partial = new Map<string, DirectoryFile>();
  const ids = createIds();
  const absences = createAbsences(principals);

  /** The provider is not read any more; whom nobody reads on since. */
  const remove = (provider: string): readonly string[] => {
    const before = files.get(provider);
    if (before === undefined) return [];
    former.set(provider, before);
    files.delete(provider);
    // Nor does anybody read on whom it had lost, but for others that knew them.
    const missed = [...absences.runs(provider).keys()].filter(
      (name) => ids.knew(name, provider) && ![...files.keys()].some((other) => ids.knew(name, other)),
    );
    absences.remove(provider);
    // Nobody read that its people are gone: they are only not read any more.
    return [...namesIn(before), ...missed];
  };

  const replace = (provider: string, file: DirectoryFile, committedAt: number) => {
    const before = files.get(provider);
    const at = heldFrom(file, before, committedAt);
    const last = before ?? former.get(provider);
    const peopleAnew = isRenumbered(named(file.people), last && named(last.people));
    const groupsAnew = isRenumbered(file.groups, last?.groups);
    const idOf = new Map<string, string>(file.people.map(({ login, id }) => [fold(`user:${login}`), id]));
    for (const { name, id = '' } of file.groups) idOf.set(fold(`group:${name}`), id);
    for (const name of principals) {
      const id = idOf.get(name);
      if (id !== undefined)
        ids.note(name, { provider, id, at }, name.startsWith('group:') ? groupsAnew : peopleAnew);
    }
    const knows = (name: string) => idOf.has(name);
    absences.note(provider, { at, isSync: isNewer(file, before), knows });
    files.set(provider, file);
  };

  return {
    files: files as Directories,
    ids,
    absences,
    /** What gateways know by them. */
    enforced: (): Directories => (partial.size === 0 ? files : new Map([...files, ...partial])),
    /**
     * Takes over what files say from a commit on. `isChanged`: one says something else; `unread`: whom no provider is read
     * on any more. `beforeChange` is told from when on it holds, while all is as it was.
     */
    step(
      { at, files: changed, lost = [] }: Pick<Step, 'at' | 'files' | 'lost'>,
      beforeChange: (from: number) => void,
    ): { isChanged: boolean; unread: readonly string[] } {
      for (const path of lost) {
        const kind = fileKind(path);
        if (kind.kind === 'directory') absences.interrupt(kind.provider);
      }
      const words = wordsOf({ files: changed });
      for (const { provider, file } of words) {
        partial.delete(provider);
        if (file?.complete === false) partial.set(provider, file);
        // A read that was cut short says nothing, not even that the syncs around it follow each other.
        if (file === undefined || file?.complete === false) absences.interrupt(provider);
      }
      const gone = words.filter(({ file }) => file === null);
      const whole = words.flatMap(({ provider, file }) => (file?.complete ? [{ provider, file }] : []));
      const instants = whole.map(({ provider, file }) => heldFrom(file, files.get(provider), at));
      if (gone.length > 0) instants.push(at);
      if (instants.length > 0) beforeChange(Math.min(...instants));
      const unread = gone.flatMap(({ provider }) => remove(provider));
      // After those that went: whoever is in another file now was moved there, or the file was renamed.
      for (const { provider, file } of whole) replace(provider, file, at);
      return { isChanged: words.some(({ file }) => file !== undefined), unread };
    },
    /** What each says now, for whoever looks back. */
    end: () =>
      [...files.keys()].map((provider) => ({
        provider,
        runs: absences.runs(provider),
        knew: (name: string) => ids.knew(name, provider),
      })),
  };
}
