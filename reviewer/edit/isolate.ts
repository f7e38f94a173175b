import { parseYaml } from '../../bundle/yaml/parseYaml.ts';

const start = '\n- ';

/**
 * A grant with the one before and the one after it, cut out of a plainly written file: what is said of the grant, and
 * how an edit changes its text, is the same there, and a file of hundreds need not be read for each of them. The whole
 * text where only a reader of all of it can tell.
 */
export function isolate(text: string, grant: string): string {
  if (!/^[a-z0-9-]+$/.test(grant) || /^(?:[^\s#-]|-(?! ))/m.test(text)) return text;
  const line = new RegExp(`^(?:- | {2})id: *(["']?)${grant}\\1 *(?:#.*)?\\r?$`, 'gm');
  const [found, ...more] = [...text.matchAll(line)];
  if (found === undefined || more.length > 0) return text;
  const own = text.lastIndexOf(start, found.index);
  const before = own <= 0 ? -1 : text.lastIndexOf(start, own - 1);
  const next = text.indexOf(start, found.index);
  const end = next < 0 ? -1 : text.indexOf(start, next + 1);
  const from = before < 0 ? 0 : before + 1;
  const part = text.slice(from, end < 0 ? undefined : end + 1);
  const { value, problems } = parseYaml(part, '');
  const items: unknown[] = Array.isArray(value) ? value : [];
  const ids = items.map((item) =>
    typeof item === 'object' && item !== null && 'id' in item ? item.id : null,
  );
  const all = part.split(/^- /m).length - 1;
  const isPlain =
    problems.length === 0 && ids.length === all && ids.filter((id) => id === grant).length === 1;
  return isPlain ? part : text;
}
