/**
 * The names of the parameters to which a path that the template matches gives one value, whoever reads it. Not among them
 * are a name that stands twice, and one that shares its segment with another: `{name}-{version}` does not say which
 * dash of `a-b-c` is meant.
 */
export function parametersOf(template: string): string[] {
  const names = [...template.matchAll(/\{([^{}]*)\}/g)].map(([, name = '']) => name);
  return names.filter((name) => segmentOf(template.split('/'), name) >= 0);
}

/**
 * The value of a parameter in a canonical path that the template matches, whatever stands before it: decoded once, and
 * nothing else is done to it. Null where the template has no such parameter, or the path no value that can be read.
 */
export function parameterIn(template: string, path: string, name: string): string | null {
  const segments = template.split('/');
  const index = segmentOf(segments, name);
  if (index < 0) return null;
  const [before = '', after = ''] = segments[index]?.split(`{${name}}`) ?? [];
  const text = path.split('/').at(index - segments.length) ?? '';
  if (text.length <= before.length + after.length || !text.startsWith(before) || !text.endsWith(after))
    return null;
  const value = text.slice(before.length, text.length - after.length);
  if (!value.includes('%')) return value;
  try {
    return decodeURIComponent(value);
  } catch {
    // A text of the template around the parameter has cut an escape in two.
    return null;
  }
}

/** The only segment with that parameter, which has no other one; -1 for none. */
function segmentOf(segments: readonly string[], name: string): number {
  const index = segments.findIndex((segment) => segment.includes(`{${name}}`));
  const isOnly = segments.slice(index + 1).every((segment) => !segment.includes(`{${name}}`));
  return isOnly && segments[index]?.indexOf('{') === segments[index]?.lastIndexOf('{') ? index : -1;
}
