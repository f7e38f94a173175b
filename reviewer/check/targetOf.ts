import type { Api } from '../../bundle/grants/organisation.ts';

/** Where requests to an API end up, as a text that is another one wherever they would reach something else. */
export function targetOf({ upstream, route, host_header: host = 'upstream' }: Api): string {
  const kept = 'prefix' in route && !route.strip ? route.prefix : '';
  return `${upstream.replace(/\/$/, '')}${kept} ${host}`;
}
