import { createHash } from 'node:crypto';
import type { Forge, ForgeComment, ForgePull } from '../../../reviewer/forge/forge.ts';
import { ForgeError } from '../../../reviewer/forge/forgeError.ts';
import type { FileTexts, Mirror } from '../../../reviewer/pulls/mirror.ts';

/** What goes wrong with one write: `crash` ends the process, the others are answers of a forge. */
export type Harm = {
  at: number;
  kind: 'crash' | 'failed' | 'limited';
  when: 'before' | 'after';
};

type Stored = ForgePull & { reviewers: Set<string> };

/** A forge and its repository in memory, where any write may go wrong. A process of one's own would cost more than it shows. */
export function memoryForge(clock: () => number) {
  const branches = new Map<string, string>();
  const commits = new Map<string, string>();
  const pulls: Stored[] = [];
  const comments: { number: number; body: string }[] = [];
  const statuses = new Map<string, string>();
  const issues: { number: number; body: string; state: 'open' | 'closed' }[] = [];
  let harm: Harm | null = null;
  let writes = 0;
  let next = 0;

  /** A write: counted, and harmed when it is its turn. */
  async function write<T>(name: string, work: () => T): Promise<T> {
    const hit = harm !== null && writes === harm.at ? harm : null;
    writes += 1;
    const done = hit === null || hit.when === 'after' ? work() : null;
    if (hit === null) return done as T;
    if (hit.kind === 'crash') throw new Error('killed');
    throw new ForgeError(hit.kind === 'failed' ? 'forge-failed' : 'forge-limited', name, 'went wrong');
  }
  const found = (number: number) => {
    const pull = pulls.find((one) => one.number === number);
    if (pull === undefined) throw new ForgeError('forge-not-found', 'GET', 'is not there');
    return pull;
  };
  const shown = ({ reviewers: _, ...pull }: Stored): ForgePull => ({
    ...pull,
    head: pull.state === 'open' ? (branches.get(pull.branch) ?? '') : pull.head,
  });
  const forge: Forge = {
    ...{ slug: 'acme/access', base: 'main', folder: '', cloneUrl: 'https://forge.example/acme/access.git' },
    timeoutMs: 1000,
    token: async () => '',
    listPulls: async (prefix) => pulls.filter(({ branch }) => branch.startsWith(prefix)).map(shown),
    findOpen: async (branch) =>
      pulls.map(shown).find((one) => one.branch === branch && one.state === 'open') ?? null,
    getPull: async (number) => shown(found(number)),
    createPull: (branch, { title, body }) =>
      write('create', () => {
        if (pulls.some((one) => one.branch === branch && one.state === 'open'))
          throw new ForgeError('forge-refused', 'POST', 'answered 422: already exists');
        next += 1;
        const at = { createdMs: clock(), closedMs: null, url: `https://forge.example/${next}`, number: next };
        const head = branches.get(branch) ?? '';
        const pull: Stored = {
          ...{ ...at, title, body, state: 'open', merged: false, draft: false, branch, head, labels: [] },
          ...{ author: 'grantgate[bot]', isOurs: true, reopenedMs: null },
          reviewers: new Set(),
        };
        pulls.push(pull);
        return shown(pull);
      }),
    updatePull: (number, change) => write('update', () => shown(Object.assign(found(number), change))),
    mergePull: async () => false,
    mergeOf: async () => null,
    mergedAs: async () => null,
    isApproved: async () => false,
    requestReviewers: (number, { people }) =>
      write('ask', () => {
        for (const one of people) found(number).reviewers.add(one);
      }),
    addLabels: (number, labels) =>
      write('label', () => {
        const pull = found(number);
        pull.labels = [...new Set([...pull.labels, ...labels])];
      }),
    comments: async (number) =>
      comments.filter((one) => one.number === number).map(({ body }, id) => ({ ...commentOf(id), body })),
    comment: (number, body) =>
      write('comment', () => {
        comments.push({ number, body });
      }),
    react: async () => {},
    issue: async () => {
      throw new ForgeError('forge-not-found', 'GET', 'is not there');
    },
    whoAmI: async () => 'grantgate[bot]',
    issues: async () => issues.map((one) => ({ ...one, url: '', author: 'grantgate[bot]' })).reverse(),
    createIssue: ({ body }) =>
      write('issue', () => {
        next += 1;
        const issue = { number: next, body, state: 'open' as const };
        issues.push(issue);
        return { ...issue, url: '', author: 'grantgate[bot]' };
      }),
    updateIssue: (number, change) =>
      write('issue', () => {
        Object.assign(issues.find((one) => one.number === number) ?? {}, change);
      }),
    mayWrite: async () => false,
    hasStatus: async (commit, context) => statuses.get(`${commit} ${context}`) === 'success',
    setStatus: (commit, { context, state }) =>
      write('status', () => {
        statuses.set(`${commit} ${context}`, state);
      }),
  };
  const mirror = (): Mirror => {
    const seen = new Map(branches);
    return {
      ...{ repository: '', folder: '', base: { branch: 'main', commit: 'main' }, branches: seen },
      tree: () => Promise.reject(new Error('there is none')),
      first: async () => null,
      async commit(files: FileTexts, message) {
        const text = JSON.stringify([[...files], message]);
        const id = createHash('sha1').update(text).digest('hex');
        commits.set(id, text);
        return id;
      },
      hasHumanCommits: async () => false,
      isAhead: async () => true,
      merged: async () => 'tree',
      differing: async (tip, commit) => ({
        tree: 'tree',
        paths: tip === commit ? [] : ['grants/access/orders/a.yaml'],
      }),
      push: (branch, commit) =>
        write('push', () => {
          if (branches.get(branch) !== seen.get(branch))
            throw new ForgeError('forge-git', 'push', 'stale info');
          branches.set(branch, commit);
          seen.set(branch, commit);
        }),
      close: async () => {},
    };
  };
  return {
    ...{ forge, mirror, pulls },
    harm(one: Harm | null) {
      harm = one;
      writes = 0;
    },
    writes: () => writes,
    /** All that people see; numbers differ with the order in which things were opened. */
    end: () => ({
      pulls: pulls
        .map((pull) => ({
          ...{ branch: pull.branch, title: pull.title, body: pull.body, state: pull.state },
          ...{ labels: [...pull.labels].sort(), reviewers: [...pull.reviewers].sort() },
          said: comments.filter(({ number }) => number === pull.number).map(({ body }) => body),
          vouched: statuses.get(`${branches.get(pull.branch)} grantgate/announced`),
          holds: commits.get(branches.get(pull.branch) ?? ''),
        }))
        .sort((a, b) => (a.branch < b.branch ? -1 : 1)),
      issues: issues
        .filter(({ state }, index) => index === 0 || state === 'open')
        .map(({ body, state }) => ({ body: body.replace(/#\d+/g, '#'), state })),
    }),
  };
}

const commentOf = (id: number): Omit<ForgeComment, 'body'> => ({
  ...{ id, kind: 'comment', key: `c${id}`, author: 'bot', atMs: 0 },
  ...{ isBot: true, isEdited: false, isOurs: true },
});
