/** What HTML shows as text of somebody else, or not at all. */
const shownIn = /<(pre|code|blockquote|script|style|textarea)\b/i;

/**
 * The lines of a comment that somebody says: not those in code, whether fenced, indented, in HTML or in a span over several
 * lines, in quotations, or in HTML comments. What is only shown is not asked for.
 */
export function spokenLines(text: string): string[] {
  const paragraphs: string[][] = [[]];
  let fence: string | null = null;
  let element: string | null = null;
  for (const line of text.replace(/<!--[\s\S]*?(?:-->|$)/g, '').split(/\r\n|\n|\r/)) {
    if (fence !== null) {
      // What closes a block of code has nothing behind it.
      const mark = /^ {0,3}(`{3,}|~{3,})[ \t]*$/.exec(line)?.[1];
      if (mark?.startsWith(fence)) fence = null;
      continue;
    }
    if (element === null) {
      fence = /^ {0,3}(`{3,}(?=[^`]*$)|~{3,})/.exec(line)?.[1] ?? null;
      if (fence !== null) continue;
      element = shownIn.exec(line)?.[1]?.toLowerCase() ?? null;
      if (element === null) {
        if (line.trim() === '') paragraphs.push([]);
        else paragraphs.at(-1)?.push(line);
        continue;
      }
    }
    const end = line.toLowerCase().lastIndexOf(`</${element}`);
    if (end > line.toLowerCase().lastIndexOf(`<${element}`)) element = null;
  }
  return paragraphs.flatMap(outsideSpans);
}

/** The lines of a paragraph that do not begin within a code span. */
function outsideSpans(lines: readonly string[]): string[] {
  const text = lines.join('\n');
  if (!text.includes('`')) return [...lines];
  const hidden = new Set<number>();
  for (let at = 0; at < text.length; ) {
    const run = /(?<!\\)`+/g;
    run.lastIndex = at;
    const open = run.exec(text);
    if (open === null) break;
    const close = [...text.slice(run.lastIndex).matchAll(/`+/g)].find(([marks]) => marks === open[0]);
    if (close === undefined) {
      at = run.lastIndex;
      continue;
    }
    const end = run.lastIndex + close.index;
    for (
      let line = text.indexOf('\n', open.index);
      line >= 0 && line < end;
      line = text.indexOf('\n', line + 1)
    )
      hidden.add(line + 1);
    at = end + close[0].length;
  }
  let start = 0;
  return lines.filter((line) => {
    const isHidden = hidden.has(start);
    start += line.length + 1;
    return !isHidden;
  });
}
