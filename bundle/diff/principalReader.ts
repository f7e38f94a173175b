import { type Span, valueStart } from '../data/dataSections.ts';
import { type PrincipalLine, readPrincipalLine } from '../data/principalLine.ts';

/** Reads lines of principals; those that say the same share one object, for many people are in the same groups. */
export function principalReader(data: Buffer): (line: Span) => PrincipalLine {
  const known = new Map<string, PrincipalLine>();
  return ({ start, end }) => {
    const text = data.toString('utf8', valueStart(data, start), end);
    let principal = known.get(text);
    if (principal === undefined) {
      principal = readPrincipalLine(JSON.parse(text));
      known.set(text, principal);
    }
    return principal;
  };
}
