export type Instruction = { keyword: string; flags: Record<string, string>; value: string };
export type Stage = { image: string; name: string; instructions: Instruction[] };

/** Reads a Dockerfile: its stages, with continued lines joined, comments dropped and flags taken apart. */
export function parseDockerfile(text: string): Stage[] {
  const stages: Stage[] = [];
  const lines = text.split('\n').filter((line) => !/^\s*(?:#|$)/.test(line));
  const logical = lines
    .join('\n')
    .replace(/\\\n\s*/g, ' ')
    .split('\n');
  for (const line of logical) {
    const [, keyword = '', rest = ''] = /^\s*([A-Z]+)\s+(.*)$/.exec(line) ?? [];
    if (keyword === 'FROM') {
      const [image = '', , name = ''] = rest.split(/\s+/);
      stages.push({ image, name, instructions: [] });
      continue;
    }
    const flags: Record<string, string> = {};
    const value = rest.replace(/^(?:--[a-z-]+=\S+\s+)+/, (all) => {
      for (const [, name = '', given = ''] of all.matchAll(/--([a-z-]+)=(\S+)/g)) flags[name] = given;
      return '';
    });
    stages.at(-1)?.instructions.push({ keyword, flags, value });
  }
  return stages;
}

/** The environment of a stage: `ENV A=b C=d`, values without spaces. */
export function environmentOf({ instructions }: Stage): Record<string, string> {
  return Object.fromEntries(
    instructions
      .filter(({ keyword }) => keyword === 'ENV')
      .flatMap(({ value }) => value.split(/\s+/))
      .map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]),
  );
}

/** Which of the paths a .dockerignore lets through to the builder; the last line that matches decides. */
export function sentToBuilder(ignore: string, paths: readonly string[]): string[] {
  const rules = ignore
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => ({ keep: line.startsWith('!'), pattern: line.replace(/^!/, '') }));
  return paths.filter((path) => {
    let kept = true;
    // A rule about a folder is one about all that lies in it.
    const above = path.split('/').map((_, index, parts) => parts.slice(0, index + 1).join('/'));
    for (const { keep, pattern } of rules)
      if (above.some((part) => toRegExp(pattern).test(part))) kept = keep;
    return kept;
  });
}

/** Docker's patterns; unlike a shell's, their `*` matches names that begin with a dot. */
function toRegExp(pattern: string): RegExp {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('**/', '\0')
    .replaceAll('*', '[^/]*')
    .replaceAll('\0', '(?:.*/)?');
  return new RegExp(`^${source}$`);
}
