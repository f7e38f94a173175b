import { isDay } from '../../bundle/format/times.ts';
import { GitError } from '../../bundle/git/gitError.ts';
import { html, type Part } from '../page/html.ts';
import type { Changes } from './changes.ts';
import type { ConsoleState } from './consoleState.ts';
import { recentDecisions } from './followDecisions.ts';
import { Refused } from './guard.ts';
import { shownDays } from './openUse.ts';
import { progressOf, readCampaigns } from './past/campaigns.ts';
import { grantsAt } from './past/grantsAt.ts';
import { accessPage } from './views/accessPage.ts';
import { campaignPage, campaignsPage } from './views/campaignPage.ts';
import { changeForm, comparisonPart } from './views/changePage.ts';
import { decisionPage } from './views/decisionPage.ts';
import { type DecisionFilter, decisionFilters, decisionsPage } from './views/decisionsPage.ts';
import { findingPage, findingsPage } from './views/findingsPage.ts';
import { type Fleet, fleetPage } from './views/fleetPage.ts';
import type { frame } from './views/frame.ts';
import { grantPage } from './views/grantPage.ts';
import { pageSize } from './views/links.ts';
import { overviewPage } from './views/overviewPage.ts';
import { type PastAsked, recordsPage } from './views/recordsPage.ts';
import { cellGrants, cellPage, usagePage } from './views/usagePage.ts';

export type Sources = {
  state: ConsoleState;
  changes: Changes;
  gateways: readonly string[];
  adminToken: string | null;
  /** Null when no gateway was named. */
  fleet: (() => Promise<Fleet>) | null;
};

export type Page = Pick<Parameters<typeof frame>[0], 'title' | 'view' | 'search'> & {
  body: Part;
  status?: number;
  /** Seconds after which the browser looks again: something is still being worked out. */
  again?: number;
};

const longest = 300;

/** What stands before an item of a list in its first line, without which its further lines would stand deeper. */
function leadOf(text: string, start: number): string {
  const lead = text.slice(text.lastIndexOf('\n', start - 1) + 1, start);
  return /^ *- *$/.test(lead) ? lead : '';
}

/** A parameter as text. Throws Refused 400 when it is longer than any name. */
function textOf(query: URLSearchParams, name: string): string {
  const text = query.get(name) ?? '';
  if (text.length > longest) throw new Refused(400, `"${name}" is longer than ${longest} characters.`);
  return text;
}

/** The place of the first row that `page` asks for, from 0. */
function placeOf(query: URLSearchParams): number {
  const page = query.get('page') ?? '1';
  if (!/^[1-9]\d{0,6}$/.test(page)) throw new Refused(400, '"page" must be a number from 1.');
  return (Number(page) - 1) * pageSize;
}

export const filterOf = (query: URLSearchParams): DecisionFilter => {
  const [answer = '', who = '', api = '', operation = '', reason = ''] = decisionFilters.map((name) =>
    textOf(query, name),
  );
  return { answer, who, api, operation, reason };
};

/** What of the past is asked for. Throws Refused 400 for days that are none. */
function pastAsked(query: URLSearchParams): PastAsked {
  const day = (name: string) => {
    const text = textOf(query, name);
    if (text === '') return null;
    if (!isDay(text)) throw new Refused(400, `"${name}" must be a day like 2026-11-23.`);
    return Date.parse(text);
  };
  const answer = textOf(query, 'answer');
  if (answer !== '' && answer !== 'allowed' && answer !== 'denied' && answer !== 'limited')
    throw new Refused(400, '"answer" must be allowed, denied or limited.');
  const [who, api, operation] = [textOf(query, 'who'), textOf(query, 'api'), textOf(query, 'operation')];
  const [grant, reason, until] = [textOf(query, 'grant'), textOf(query, 'reason'), day('until')];
  const [, at = '', id = ''] = /^(\d{1,15})~(.{1,200})$/.exec(textOf(query, 'behind')) ?? [];
  return {
    filter: {
      ...{
        answer,
        who: who.trim(),
        api: api.trim(),
        operation: operation.trim(),
        grant: grant.trim(),
        reason,
      },
      ...{ fromMs: day('from'), untilMs: until === null ? null : until + 86_399_999 },
    },
    behind: at === '' ? null : { atMs: Number(at), id },
  };
}

/** Path → what it shows. Throws Refused for what there is none of. */
export const pages: Readonly<Record<string, (query: URLSearchParams, sources: Sources) => Promise<Page>>> = {
  async '/'(_query, { state, fleet }) {
    const { inventory, plan } = state.known();
    const told = fleet === null ? null : (await fleet()).sentence;
    return { title: 'Overview', view: '/', body: overviewPage({ inventory, plan, fleet: told }) };
  },

  async '/access'(query, { state }) {
    for (const name of ['q', 'person', 'group', 'api', 'operation']) textOf(query, name);
    const search = textOf(query, 'q').trim();
    const title = search === '' ? 'Who may do what' : `Search: ${search}`;
    return {
      title,
      view: '/access',
      search,
      body: accessPage(state.known().inventory, query, placeOf(query)),
    };
  },

  async '/grant'(query, { state }) {
    const { inventory, tree, plan } = state.known();
    const id = textOf(query, 'id');
    const grant = inventory.access.grants.find((one) => one.id === id);
    if (grant === undefined) throw new Refused(404, 'There is no such grant.');
    const days = await state.daysOf([id]);
    const { file, start, end } = grant.place;
    const bytes = await tree.read([file]).catch(() => null);
    const whole = bytes?.get(file)?.toString('utf8');
    const text = whole === undefined ? null : `${leadOf(whole, start)}${whole.slice(start, end)}`;
    const findings = (plan?.findings ?? []).filter((finding) => finding.grant === id);
    const none = Array.from({ length: shownDays }, () => 0);
    const facts = { inventory, grant, text, days: days === null ? null : (days.get(id) ?? none), findings };
    return { title: `Grant ${id}`, view: '/access', body: grantPage(facts, placeOf(query)) };
  },

  async '/usage'(query, { state }) {
    const { inventory, use } = state.known();
    const [api, column, from] = [textOf(query, 'api'), textOf(query, 'column'), placeOf(query)];
    if (api === '' && column === '')
      return { title: 'What is used', view: '/usage', body: usagePage(inventory, use, from) };
    const all = cellGrants(inventory, api, column);
    const grants = all.slice(from, from + pageSize);
    const days = (await state.daysOf(grants.map(({ id }) => id))) ?? new Map();
    return {
      title: 'What is used',
      view: '/usage',
      body: cellPage(inventory, { api, column, grants, total: all.length, days }, from),
    };
  },

  async '/findings'(query, { state }) {
    const { plan } = state.known();
    for (const name of ['detector', 'severity', 'api', 'owner']) textOf(query, name);
    const body =
      plan === null
        ? html`<p>There is no plan at the moment.</p>`
        : findingsPage(plan, query, placeOf(query));
    return { title: 'Findings', view: '/findings', body, ...(plan === null && { again: 5 }) };
  },

  async '/finding'(query, { state }) {
    const id = textOf(query, 'id');
    const explained = state.known().plan === null ? null : await state.explain(id);
    if (explained === null)
      throw new Refused(404, 'The plan has no such finding; a newer review may have dropped it.');
    return {
      title: `${explained.finding.detector}: ${explained.finding.grant}`,
      view: '/findings',
      body: findingPage(explained),
    };
  },

  async '/change'(query, { changes }) {
    const { names, current } = await changes.branches();
    const [base, head] = [textOf(query, 'base') || current, textOf(query, 'head')];
    const form = changeForm(names, base, head);
    const page = (body: Part, more: Partial<Page> = {}): Page => ({
      title: 'What a branch would change',
      view: '/change',
      body,
      ...more,
    });
    if (head === '') return page(form);
    try {
      const found = await changes.compare(base, head);
      const busy = found.diff.state === 'waiting' || found.replay.state === 'waiting';
      return page(
        html`${form}${comparisonPart(found, { base, head }, placeOf(query))}`,
        busy ? { again: 2 } : {},
      );
    } catch (error) {
      if (!(error instanceof GitError)) throw error;
      return page(html`${form}<p class="note bad">${error.message}</p>`, { status: 404 });
    }
  },

  async '/decisions'(query, { gateways, adminToken }) {
    const filter = filterOf(query);
    const { decisions, silent } = await recentDecisions(gateways, adminToken, filter);
    return {
      title: 'Decisions as they happen',
      view: '/decisions',
      body: decisionsPage({ gateways: gateways.length, decisions, silent }, filter),
    };
  },

  async '/records'(query, { state }) {
    const asked = pastAsked(query);
    const found = await state.decisions(asked.filter, asked.behind);
    return { title: 'Decisions on record', view: '/records', body: recordsPage(found, asked) };
  },

  async '/decision'(query, { state }) {
    const decision = await state.decision(textOf(query, 'id'));
    if (decision === null)
      throw new Refused(
        404,
        'No record that was read has this decision; the newest are read every 15 minutes.',
      );
    const { tree } = state.known();
    const places = await grantsAt(tree, decision.revision, decision.grants);
    return {
      title: `Decision ${decision.id}`,
      view: '/records',
      body: decisionPage(decision, places),
    };
  },

  async '/campaigns'(_query, { state }) {
    const { tree, inventory } = state.known();
    const campaigns = await readCampaigns(tree);
    return {
      title: 'Campaigns',
      view: '/campaigns',
      body: campaignsPage(campaigns.map((one) => progressOf(one, inventory))),
    };
  },

  async '/campaign'(query, { state }) {
    const name = textOf(query, 'name');
    const { tree, inventory } = state.known();
    const campaign = (await readCampaigns(tree)).find((one) => one.frozen.name === name);
    if (campaign === undefined) throw new Refused(404, 'This clone has no such campaign.');
    const owner = textOf(query, 'owner');
    return {
      title: `Campaign ${name}`,
      view: '/campaigns',
      body: campaignPage(progressOf(campaign, inventory), { owner, from: placeOf(query) }),
    };
  },

  async '/fleet'(_query, { fleet }) {
    return { title: 'Fleet', view: '/fleet', body: fleetPage(fleet === null ? null : await fleet()) };
  },
};
