const nothing: ReadonlySet<string> = new Set();

/**
 * What `Connection` nominates beside the usual, in lower case: hop-by-hop too (RFC 9110, 7.6.1), so it ends here. Headers
 * are names and values in turn, as Node gives them.
 */
export function nominated(rawHeaders: readonly string[]): ReadonlySet<string> {
  let values: string[] | null = null;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index];
    if (name === undefined || name.length !== 10 || name.toLowerCase() !== 'connection') continue;
    values ??= [];
    values.push(rawHeaders[index + 1] ?? '');
  }
  return values === null ? nothing : nominatedBy(values);
}

/** The same of the values of `Connection`. */
export function nominatedBy(connection: string | readonly string[] | undefined): ReadonlySet<string> {
  if (connection === undefined) return nothing;
  const list = String(connection).toLowerCase();
  // Both stand for themselves, and nearly always alone.
  if (list === 'keep-alive' || list === 'close') return nothing;
  return new Set(list.split(',').map((token) => token.trim()));
}
