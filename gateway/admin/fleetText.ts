import { type FleetStatus, fleetSentence } from './fleetStatus.ts';

const columns = ['gateway', 'state', 'revision', 'number', 'digest', 'loaded', 'lag'] as const;

/** The fleet for people at a terminal: a line for each gateway, and one on all of them. */
export function fleetText(status: FleetStatus): string {
  const rows = status.gateways.map(({ answer, state }) => {
    if (!('facts' in answer)) return [answer.url, state, '', '', '', '', ''];
    const { revision, counter, digest, loaded_at, lag_ms } = answer.facts;
    return [
      answer.url,
      state,
      revision.slice(0, 12),
      String(counter),
      digest.replace(/^sha256:/, '').slice(0, 12),
      loaded_at.replace(/\.\d+Z$/, 'Z'),
      lag_ms === null ? '' : `${(lag_ms / 1000).toFixed(1)} s`,
    ];
  });
  const widths = columns.map((name, at) => Math.max(name.length, ...rows.map((row) => row[at]?.length ?? 0)));
  const lines = [columns, ...rows].map((row) =>
    row
      .map((text, at) => text.padEnd(widths[at] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  // What answers may be anybody: it must not move the terminal's cursor.
  return `${[...lines, fleetSentence(status)].map((line) => line.replace(/\p{Cc}+/gu, ' ')).join('\n')}\n`;
}
