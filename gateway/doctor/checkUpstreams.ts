import { connect } from 'node:net';
import { detailOf } from '../http/fault.ts';
import { type Finding, ok, warning } from './finding.ts';

const patienceMs = 3000;
const atOnce = 16;

/** Whether each API's upstream takes a connection; it may come up later, so that is a warning. `upstreams` by API. */
export async function checkUpstreams(upstreams: ReadonlyMap<string, string>): Promise<Finding[]> {
  const places = Map.groupBy(upstreams, ([, address]) => placeOf(address));
  const waiting = [...places];
  const findings: Finding[] = [];
  const work = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [place, apis] = next;
      const names = apis.map(([api]) => api).sort();
      const check = `upstream of ${names.length > 3 ? `${names.slice(0, 3).join(', ')} and ${names.length - 3} more` : names.join(', ')}`;
      const failure = await attempt(place);
      findings.push(
        failure === null
          ? ok(check, `${place} takes connections`)
          : warning(
              check,
              `${place} cannot be reached: ${failure}`,
              "see `upstream` in the API's YAML, and that this machine may reach it; until then callers get 502",
            ),
      );
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return findings.sort((a, b) => (a.check < b.check ? -1 : 1));
}

function placeOf(address: string): string {
  const { protocol, hostname, port } = new URL(address);
  return `${hostname}:${port || (protocol === 'https:' ? 443 : 80)}`;
}

function attempt(place: string): Promise<string | null> {
  const { hostname, port } = new URL(`tcp://${place}`);
  return new Promise((done) => {
    const socket = connect({ host: hostname.replace(/^\[|\]$/g, ''), port: Number(port) });
    const finish = (failure: string | null) => {
      clearTimeout(timer);
      socket.destroy();
      done(failure);
    };
    const timer = setTimeout(() => finish(`no answer within ${patienceMs / 1000} s`), patienceMs);
    socket.once('connect', () => finish(null));
    socket.on('error', (error) => finish(detailOf(error) ?? 'no reason given'));
  });
}
