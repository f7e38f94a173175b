/** How a server wants to be told who asks (`WWW-Authenticate`). */
export type Challenge =
  | { scheme: 'basic' }
  /** Somebody else, at `realm`, gives a token for it. */
  | { scheme: 'bearer'; realm: string; service: string | null; scope: string | null };

const parameter = /^\s*([a-z_]{1,32})\s*=\s*(?:"([^"\\]{0,2048})"|([^\s",]{1,2048}))\s*(?:,|$)/i;

/**
 * The challenge to answer: a bearer token before a password, whatever their order. Null when there is none that we
 * know, or when it is malformed: there is nothing to be guessed about where to send a credential.
 */
export function readChallenge(header: string | readonly string[] | undefined): Challenge | null {
  const found: Challenge[] = [];
  for (const line of typeof header === 'string' ? [header] : (header ?? [])) {
    if (line.length > 8192) return null;
    let rest = line;
    while (rest.trim() !== '') {
      const scheme = /^\s*([A-Za-z0-9-]+)(?:\s+|$)/.exec(rest);
      if (scheme === null) return null;
      rest = rest.slice(scheme[0].length);
      const parameters = new Map<string, string>();
      for (let next = parameter.exec(rest); next !== null; next = parameter.exec(rest)) {
        rest = rest.slice(next[0].length);
        parameters.set((next[1] ?? '').toLowerCase(), next[2] ?? next[3] ?? '');
      }
      const [name, realm] = [scheme[1]?.toLowerCase(), parameters.get('realm')];
      if (name === 'basic') found.push({ scheme: 'basic' });
      if (name === 'bearer' && realm !== undefined)
        found.push({
          scheme: 'bearer',
          realm,
          service: parameters.get('service') ?? null,
          scope: parameters.get('scope') ?? null,
        });
    }
  }
  return found.find(({ scheme }) => scheme === 'bearer') ?? found[0] ?? null;
}
