const blocks = [...'▁▂▃▄▅▆▇█'];

/**
 * Values as blocks, lowest to highest; one that is not known is a blank. Of more than `width` the last of each stretch
 * are shown.
 */
export function sparkText(values: readonly (number | null)[], width: number): string {
  const count = Math.min(width, values.length);
  const shown = Array.from(
    { length: count },
    (_, index) => values[Math.ceil(((index + 1) * values.length) / count) - 1] ?? null,
  );
  const known = shown.filter((value) => value !== null);
  const [least, most] = [Math.min(...known), Math.max(...known)];
  return shown
    .map((value) => {
      if (value === null) return ' ';
      const level = most === least ? 3 : Math.round(((value - least) / (most - least)) * (blocks.length - 1));
      return blocks[level] ?? '';
    })
    .join('');
}
