import { type Html, html } from '../../page/html.ts';
import { href, link } from './links.ts';

/** A decision as it is shown; the cells are those of {@link decisionColumns}. */
export type ShownDecision = { id: string; allow: boolean; cells: readonly string[] };

const decisionColumns = ['Time', 'Answer', 'Who', 'Operation', 'API', 'Why', 'Grants', 'Gateway'] as const;

/** What the list is narrowed by; empty for anything. */
export const decisionFilters = ['answer', 'who', 'api', 'operation', 'reason'] as const;
export type DecisionFilter = Readonly<Record<(typeof decisionFilters)[number], string>>;

type Shown = {
  gateways: number;
  decisions: readonly ShownDecision[];
  /** Gateways that could not be asked, and why. */
  silent: readonly string[];
};

function form(filter: DecisionFilter): Html {
  const field = (name: keyof DecisionFilter, label: string, hint: string) =>
    html`<label>${label}<input name="${name}" value="${filter[name]}" maxlength="300" placeholder="${hint}"></label>`;
  const answers = ['allowed', 'denied'].map(
    (value) => html`<option${value === filter.answer && html` selected`}>${value}</option>`,
  );
  return html`<form class="filter" action="/decisions"><label>Answer<select name="answer"><option value="">all</option>${answers}</select></label>${field('who', 'Who', 'part of a name')}${field('api', 'API', 'orders')}${field('operation', 'Operation', 'getOrder')}${field('reason', 'Reason', 'no-grant')}<button>Show</button></form>`;
}

/** The newest decisions of the gateways, and with a script those to come. */
export function decisionsPage({ gateways, decisions, silent }: Shown, filter: DecisionFilter): Html {
  if (gateways === 0)
    return html`<p>No gateway was named: <code>grantgate console --gateway http://127.0.0.1:9090</code> shows what is decided as it happens. Past ones are under ${link('records', '/records')}.</p>`;
  const heads = decisionColumns.map((name) => html`<th scope="col">${name}</th>`);
  const rows = decisions.map(
    ({ id, allow, cells }) =>
      html`<tr data-id="${id}">${cells.map((text, index) => html`<td class="${index === 0 ? 'time' : index === 1 ? (allow ? 'yes' : 'no') : ''}">${text}</td>`)}</tr>`,
  );
  return html`${silent.map((line) => html`<p class="note bad">${line}</p>`)}${form(filter)}
<p><output id="state" role="status">${decisions.length === 0 ? 'none so far' : 'the newest'}, as of this page</output> <button id="pause" type="button" aria-pressed="false" hidden>Pause</button></p>
<div class="scroll" tabindex="0" role="region" aria-label="Decisions"><table id="live" data-stream="${href('/decisions/stream', filter)}"><thead><tr>${heads}</tr></thead><tbody>${rows}</tbody></table></div>`;
}
