import { UsageError } from '../arguments/usageError.ts';
import { print, printJson } from '../terminal.ts';

/** A change to files of a repository; `texts`: path → its whole text afterwards. */
type Change = { file: string; texts: ReadonlyMap<string, string> };

/** Throws UsageError where a change is to be written here and proposed on a forge at once. */
export function assertOneWay({ write, apply }: { write?: true; apply?: true }): void {
  if (write && apply) throw new UsageError('--write and --apply are two ways: give one');
}

/** What is printed of a change as JSON: texts of whole files are for the disk. */
export function withoutTexts<T extends Change>({ texts: _, ...facts }: T): Omit<T, 'texts'> {
  return facts;
}

/** Shows a change to the repository in `root`, and writes it there when it was asked for. */
export async function writeOrShow(
  root: string,
  change: Change,
  { text, write, json }: { text: string; write?: true | undefined; json?: true | undefined },
): Promise<void> {
  if (write) {
    const { writeTexts } = await import('../../reviewer/proposal/writeTexts.ts');
    await writeTexts(root, change.texts);
  }
  if (json) return printJson({ action: write ? 'written' : 'none', ...withoutTexts(change) });
  print(text);
  print(write ? `${change.file} was written.` : 'Nothing was changed; --write does, --apply proposes it.');
}
