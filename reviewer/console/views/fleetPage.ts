import { type Html, html } from '../../page/html.ts';
import { code, table, time } from './frame.ts';

/** What one gateway said of itself, or why it said nothing. */
export type FleetRow = {
  url: string;
  /** `enforced`, `newer`, `behind`, …, or why nothing is known. */
  state: string;
  good: boolean;
  /** What its readiness probe says. */
  health: string;
  revision: string | null;
  number: number | null;
  digest: string | null;
  grants: number | null;
  loadedAt: string | null;
  lagMs: number | null;
};
export type Fleet = { sentence: string; enforced: boolean; rows: readonly FleetRow[] };

/** Which gateway enforces what, how late it came, and whether it is well. */
export function fleetPage(fleet: Fleet | null): Html {
  if (fleet === null)
    return html`<p>No gateway was named: <code>grantgate console --gateway http://127.0.0.1:9090</code> shows what each enforces.</p>`;
  const rows = fleet.rows.map(
    ({ url, state, good, health, revision, number, digest, grants, loadedAt, lagMs }) => [
      url,
      html`<span class="${good ? 'yes' : 'no'}">${state}</span>`,
      html`<span class="${health === 'ok' ? 'yes' : 'no'}">${health}</span>`,
      revision === null ? '' : code(revision.slice(0, 12)),
      number ?? '',
      digest === null ? '' : code(digest.replace(/^sha256:/, '').slice(0, 12)),
      grants ?? '',
      time(loadedAt?.replace(/\.\d+Z$/, 'Z') ?? ''),
      lagMs === null ? '' : `${(lagMs / 1000).toFixed(1)} s`,
    ],
  );
  const columns = [
    'Gateway',
    'State',
    'Health',
    'Revision',
    { number: 'Number' },
    'Digest',
    { number: 'Grants' },
    'Loaded',
    { number: 'Lag' },
  ];
  return html`<p class="${fleet.enforced ? 'note' : 'note bad'}">${fleet.sentence}.</p>${table(columns, rows, 'Fleet')}
<p class="soft">The lag is from when the branch moved until the gateway enforced it.</p>`;
}
