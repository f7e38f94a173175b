import { parseYaml } from '../../bundle/yaml/parseYaml.ts';

const start = '\n- ';

/** A text and how it reads. */
export type Isolated = { text: string; parsed: ReturnType<typeof parseYaml> };

/** Where the lines are that name a grant, in a plainly written file; null for one that is named twice. */
function idLines(text: string): ReadonlyMap<string, number | null> {
  const found = new Map<string, number | null>();
  if (/^(?:[^\s#-]|-(?! ))/m.test(text)) return found;
  for (const { 2: id = '', index } of text.matchAll(/^(?:- | {2})id: *(["']?)([a-z0-9-]+)\1 *(?:#.*)?\r?$/gm))
    found.set(id, found.has(id) ? null : index);
  return found;
}

/**
 * Cuts a grant with the one before and the one after it out of a plainly written file: what is said of the grant, and
 * how an edit changes its text, is the same there, and a file of hundreds need not be read for each of them. The whole
 * text where only a reader of all of it can tell.
 */
export function createIsolate(text: string): (grant: string) => Isolated {
  const lines = idLines(text);
  let whole: Isolated | null = null;
  const all = () => {
    whole ??= { text, parsed: parseYaml(text, '') };
    return whole;
  };
  return (grant) => {
    const line = lines.get(grant) ?? null;
    if (line === null) return all();
    const own = text.lastIndexOf(start, line);
    const before = own <= 0 ? -1 : text.lastIndexOf(start, own - 1);
    const next = text.indexOf(start, line);
    const end = next < 0 ? -1 : text.indexOf(start, next + 1);
    const from = before < 0 ? 0 : before + 1;
    const part = text.slice(from, end < 0 ? undefined : end + 1);
    const parsed = parseYaml(part, '');
    const { value, problems } = parsed;
    const items: unknown[] = Array.isArray(value) ? value : [];
    const ids = items.map((item) =>
      typeof item === 'object' && item !== null && 'id' in item ? item.id : null,
    );
    const isPlain =
      problems.length === 0 &&
      ids.length === part.split(/^- /m).length - 1 &&
      ids.filter((id) => id === grant).length === 1;
    return isPlain ? { text: part, parsed } : all();
  };
}
