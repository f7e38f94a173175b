import { type Html, html } from './html.ts';

/** The class of a cell's colour. */
export const heatOf = (share: number | null): string =>
  share === null ? 'unknown' : `heat${Math.floor(share * 5)}`;

type Options = {
  id?: string;
  corner: string;
  columns: readonly { name: string; head: string | Html }[];
  rows: readonly { name: string; head: string | Html }[];
  /** Null where nothing is held. */
  cell: (row: string, column: string) => Html | null;
};

/** Names down and across, and a cell for each pair; what is in a cell stands on {@link heatOf}'s colour. */
export function heatMap({ id = 'heat', corner, columns, rows, cell }: Options): Html {
  const head = columns.map((column) => html`<th scope="col"><span>${column.head}</span></th>`);
  const body = rows.map(
    (row) =>
      html`<tr><th scope="row">${row.head}</th>${columns.map((column) => html`<td>${cell(row.name, column.name)}</td>`)}</tr>`,
  );
  return html`<table id="${id}"><thead><tr><th scope="col">${corner}</th>${head}</tr></thead><tbody>${body}</tbody></table>`;
}

export const heatStyle = `
#heat td { padding: 2px; border: 0; }
#heat td > * { display: block; box-sizing: border-box; width: 100%; min-width: 4rem; border: 0; border-radius: 4px; padding: .4rem; font: inherit; text-align: center; text-decoration: none; cursor: pointer; color: #111; }
.heat0 { background: #f4a6a0; } .heat1 { background: #f7c59f; } .heat2 { background: #f6e3a1; }
.heat3 { background: #d3e8a8; } .heat4 { background: #a9d99b; } .heat5 { background: #7cc47f; } .unknown { background: #c9d1d9; }
`;
