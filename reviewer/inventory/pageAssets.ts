import { baseStyle } from '../page/baseStyle.ts';
import { heatStyle } from '../page/heatMap.ts';

// Both stand in the page as they are here, and the page's policy names their hashes.
export const style = `${baseStyle}
th, td { text-align: left; vertical-align: top; padding: .25rem .5rem; border-bottom: 1px solid var(--line); overflow-wrap: break-word; max-width: 24rem; }
#grants td:nth-child(n+7) { white-space: nowrap; }
#grants td:first-child { min-width: 16rem; }
#grants th button { all: unset; cursor: pointer; font-weight: 600; }
#grants th button:focus-visible { outline: 2px solid; }
th[aria-sort=ascending] button::after { content: " \\25B2"; }
th[aria-sort=descending] button::after { content: " \\25BC"; }
#heat button[aria-pressed=true] { outline: 3px solid var(--ink); }
${heatStyle}.idle { color: var(--soft); }
summary { cursor: pointer; }
code { font-size: .9em; }
`;

export const script = `
const rows = [...document.querySelectorAll('#grants tbody tr')];
const body = document.querySelector('#grants tbody');
const search = document.querySelector('#search');
const count = document.querySelector('#count');
const cells = [...document.querySelectorAll('#heat button')];
let picked = null;
const texts = new Map(rows.map((row) => [row, row.textContent.toLowerCase()]));
function show() {
  const words = search.value.toLowerCase().split(/\\s+/);
  let shown = 0;
  for (const row of rows) {
    const fits = words.every((word) => texts.get(row).includes(word)) &&
      (picked === null || (row.dataset.api === picked.dataset.api && row.dataset.column === picked.dataset.column && !row.classList.contains('idle')));
    row.hidden = !fits;
    if (fits) shown += 1;
  }
  for (const cell of cells) cell.setAttribute('aria-pressed', String(cell === picked));
  count.textContent = shown + ' of ' + rows.length;
}
search.addEventListener('input', show);
for (const cell of cells) cell.addEventListener('click', () => { picked = picked === cell ? null : cell; show(); });
document.querySelector('#all').addEventListener('click', () => { picked = null; search.value = ''; show(); });
const heads = [...document.querySelectorAll('#grants th')];
heads.forEach((head, index) => head.querySelector('button').addEventListener('click', () => {
  const down = head.getAttribute('aria-sort') === 'ascending';
  for (const one of heads) one.setAttribute('aria-sort', 'none');
  head.setAttribute('aria-sort', down ? 'descending' : 'ascending');
  const value = (row) => {
    const cell = row.cells[index];
    return index === 0 ? cell.querySelector('summary').textContent : cell.dataset.sort ?? cell.textContent;
  };
  const sorted = [...rows].sort((a, b) => value(a).localeCompare(value(b), 'en', { numeric: true }));
  body.append(...(down ? sorted.reverse() : sorted));
}));
show();
`;
