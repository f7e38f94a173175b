const units = [
  ['GB', 1e9],
  ['MB', 1e6],
  ['kB', 1e3],
] as const;

/** So many bytes as people write a size, `2MB`; as they are where that is none. */
export function sizeText(bytes: number): string {
  const [unit, one] = units.find(([, size]) => bytes > 0 && bytes % size === 0) ?? [' bytes', 1];
  return `${bytes / one}${unit}`;
}
