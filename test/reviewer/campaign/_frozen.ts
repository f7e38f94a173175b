import type { Frozen } from '../../../reviewer/campaign/frozen.ts';

/** A campaign of a month, opened on 2026-11-23. */
export const frozenOf = (entries: Frozen['entries'], commit = 'abc'): Frozen => ({
  ...{ version: 1, name: 'q4', scope: null, opened: '2026-11-23T12:00:00Z', due: '2026-12-23', commit },
  population: { grants: 4, digest: 'sha256:0' },
  evidence: { from: '2026-08-23T12:00:00Z', records: 9, instances: 1, coverage: 1, digest: 'sha256:1' },
  entries,
});
