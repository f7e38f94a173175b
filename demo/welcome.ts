import { relative } from 'node:path';
import { tokenFile } from './place/writeTokens.ts';
import type { Loop } from './startLoop.ts';
import type { Pages } from './startPages.ts';
import { callable } from './tour/callable.ts';

/** The short tour of a running demo: where things are, what to paste, what to try. `now` in ms. */
export function welcome(loop: Loop, pages: Pick<Pages, 'tour' | 'console'>, now: number): string {
  const { organisation, pulls, forge, gateway, admin } = loop;
  const grants = new Map(organisation.grants.map((grant) => [grant.id, grant]));
  const here = relative(process.cwd(), loop.folder) || '.';
  const tokenOf = (name: string) => `$(cat ${shellWord(tokenFile(here, name))})`;
  const lines = [
    '',
    'Grantgate is running. Everything is on this machine; Ctrl-C stops it and cleans up.',
    '',
    `  BEGIN HERE   ${pages.tour}   the loop, a click for each step`,
    '',
    `  console      ${pages.console}   who may do what, what is used, findings, decisions`,
    '',
    `  gateway      ${gateway}   in front of ${organisation.apis.size} APIs`,
    `  admin        ${admin}   /health/ready  /metrics  /revision`,
    `  forge        ${forge.url}   the access repository and its pull requests`,
    `  identity     ${loop.issuer}`,
    `  on disk      ${here}   gateway.yaml, gateway.log, decisions/, tokens/`,
    '',
    'Pull requests the reviewer has opened:',
    '',
    ...pulls.map(({ number, url, title }) => `  ${`#${number}`.padEnd(5)}${title}\n       ${url}`),
    '',
  ];
  const [revocation] = pulls.flatMap(({ url, grants: ids }) =>
    ids.flatMap((id) => {
      const grant = grants.get(id);
      const call = grant === undefined ? null : callable(organisation, grant, now / 1000);
      return call === null ? [] : [{ url, call }];
    }),
  );
  const proposed = new Set(pulls.flatMap(({ grants: ids }) => ids));
  const healthy = organisation.grants
    .filter(({ id, api }) => !proposed.has(id) && api === 'orders')
    .map((grant) => callable(organisation, grant, now / 1000))
    .find((call) => call !== null);
  const show = (title: string, login: string, path: string, method = 'GET') => {
    const verb = method === 'GET' ? '' : ` -X ${method}`;
    lines.push(
      `${title}\n`,
      `  curl -s${verb} -H "Authorization: Bearer ${tokenOf(login)}" \\\n    ${gateway}${path}`,
      '',
    );
  };
  if (healthy) {
    show(`${healthy.login} is allowed to ${healthy.operation}:`, healthy.login, healthy.path);
    show('… but nobody may do what no grant covers:', healthy.login, '/payments/v1/payments', 'POST');
  }
  if (revocation) {
    const { call, url } = revocation;
    show(`${call.login} is allowed too, until you merge\n${url} and ask again:`, call.login, call.path);
  }
  lines.push(
    'A service with an API key:\n',
    `  curl -s -H "X-API-Key: ${tokenOf(loop.apiKeyOf)}" \\\n    ${gateway}/tracking/v1/shipments`,
    '',
    'What was decided, and why:\n',
    `  tail -f ${shellWord(here)}/decisions/gw-demo/*.ndjson`,
    '',
    'Change a grant yourself; a push to main is enforced like a merge:\n',
    `  git clone "${forge.cloneUrl.replace('://', `://maintainer:${tokenOf('maintainer')}@`)}"`,
    '',
  );
  return lines.join('\n');
}

/** A path as a shell reads it back. */
const shellWord = (path: string) =>
  /^[A-Za-z0-9@%+=:,./_-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`;
