import leven from 'leven';

/** ` (did you mean "reader"?)` with the nearest of the known names; empty when none is near. */
export function nearMiss(name: string, known: Iterable<string>, most = 4): string {
  let best: { name: string; distance: number } | null = null;
  for (const candidate of known) {
    const allowed = Math.min(most, Math.max(candidate.length < 6 ? 1 : 2, Math.floor(candidate.length / 4)));
    if (Math.abs(candidate.length - name.length) > allowed) continue;
    const distance = leven(candidate, name);
    if (distance <= allowed && distance > 0 && (best === null || distance < best.distance))
      best = { name: candidate, distance };
  }
  return best === null ? '' : ` (did you mean ${JSON.stringify(best.name)}?)`;
}
