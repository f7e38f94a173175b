import { relative } from 'node:path';
import { callable } from './callable.ts';
import type { Loop } from './startLoop.ts';

/** The short tour of a running demo: where things are, what to paste, what to try. `now` in ms. */
export function welcome(loop: Loop, now: number): string {
  const { organisation, pulls, forge, gateway, admin } = loop;
  const grants = new Map(organisation.grants.map((grant) => [grant.id, grant]));
  const lines = [
    '',
    'Grantgate is running. Everything is on this machine; Ctrl-C stops it and cleans up.',
    '',
    `  gateway      ${gateway}      APIs: ${[...organisation.apis.keys()].join(', ')}`,
    `  admin        ${admin}      /health/ready  /metrics  /revision  /usage`,
    `  forge        ${forge.url}      the access repository and its pull requests`,
    `  identity     ${loop.issuer}`,
    `  on disk      ${relative(process.cwd(), loop.folder) || loop.folder}      state.json, gateway.yaml, gateway.log, decisions/`,
    '',
    'Pull requests the reviewer has opened:',
    '',
    ...pulls.map(({ number, url, grants: ids }) => `  #${number}  ${url}\n       ${ids.join(', ')}`),
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
      `  curl -s${verb} -H 'Authorization: Bearer ${loop.tokens[login]}' ${gateway}${path}`,
      '',
    );
  };
  if (healthy) {
    show(`${healthy.login} is allowed to ${healthy.operation}:`, healthy.login, healthy.path);
    show('… but nobody may do what no grant covers:', healthy.login, '/payments/v1/payments', 'POST');
  }
  if (revocation) {
    const { call, url } = revocation;
    show(`${call.login} is allowed too, until you merge ${url} and ask again:`, call.login, call.path);
  }
  lines.push(
    'A service with an API key:\n',
    `  curl -s -H 'X-API-Key: ${loop.apiKey}' ${gateway}/tracking/v1/shipments`,
    '',
    'What was decided, and why:\n',
    `  tail -f ${relative(process.cwd(), loop.folder) || loop.folder}/decisions/gw-demo/*.ndjson`,
    '',
    'Change a grant yourself; a push to main is enforced like a merge:\n',
    `  git clone ${forge.cloneUrl.replace('://', `://maintainer:${loop.maintainerToken}@`)}`,
    '',
  );
  return lines.join('\n');
}
