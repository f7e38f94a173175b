import { type Html, html } from '../../reviewer/page/html.ts';
import type { Station } from './createTour.ts';

const places: readonly (readonly [Station, string, x: number, y: number])[] = [
  ['grants', 'Grants in Git', 90, 40],
  ['bundle', 'Bundle', 320, 40],
  ['gateway', 'Gateway', 550, 40],
  ['records', 'Decision records', 550, 150],
  ['reviewer', 'Reviewer', 320, 150],
  ['pull request', 'Pull request', 90, 150],
];
const [width, height] = [150, 46];

/** The loop with some of its stations lit; each leads to the next, and a merge leads from the last to the first. */
export function drawLoop(lit: readonly Station[]): Html {
  const arrows = places.map(([, , x, y], index) => {
    const [, , toX = 0, toY = 0] = places[(index + 1) % places.length] ?? [];
    const [across, down] = [Math.sign(toX - x), Math.sign(toY - y)];
    const [from, to] = [
      [x + (across * width) / 2, y + (down * height) / 2],
      [toX - across * (width / 2 + 3), toY - down * (height / 2 + 3)],
    ];
    return html`<line x1="${from[0] ?? 0}" y1="${from[1] ?? 0}" x2="${to[0] ?? 0}" y2="${to[1] ?? 0}" marker-end="url(#tip)"/>`;
  });
  const boxes = places.map(
    ([station, name, x, y]) =>
      html`<g class="${lit.includes(station) ? 'lit' : ''}"><rect x="${x - width / 2}" y="${y - height / 2}" width="${width}" height="${height}" rx="8"/><text x="${x}" y="${y + 5}" text-anchor="middle">${name}</text></g>`,
  );
  const said = lit.length === 0 ? '' : `; this step is at: ${lit.join(', ')}`;
  return html`<svg id="loop" viewBox="0 0 640 190" role="img" aria-label="The loop: grants in Git, bundle, gateway, decision records, reviewer, pull request, and by a merge back to grants${said}"><defs><marker id="tip" viewBox="0 0 8 8" refX="6" refY="4" markerWidth="7" markerHeight="7" orient="auto-start-reverse"><path d="M0 0L8 4L0 8z"/></marker></defs>${arrows}${boxes}<text class="merge" x="98" y="100">merge</text></svg>`;
}

export const loopStyle = `
#loop { width: 100%; max-width: 46rem; height: auto; display: block; margin: 1rem 0; }
#loop line { stroke: var(--soft); stroke-width: 2; } #loop marker path { fill: var(--soft); }
#loop rect { fill: var(--paper); stroke: var(--soft); } #loop text { fill: var(--ink); font: 14px system-ui, sans-serif; } #loop .merge { fill: var(--soft); }
#loop .lit rect { stroke: var(--fill); stroke-width: 3; } #loop .lit text { font-weight: 600; }
`;
