import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { cpuMs } from './processes.ts';
import type { Figures } from './tables.ts';
import type { Peer } from './world.ts';

const runFile = promisify(execFile);

type Options = { folder: string; tokenFile: string; connections: number };

/** Both models of load. Each throws when a peer answers anything but a 200. */
export function createLoads({ folder, tokenFile, connections }: Options) {
  const scripts = new Map<string, string>();
  /** `callers` take turns; `kept` false: each request has a connection of its own. */
  const scriptOf = (callers: number, kept: boolean): string => {
    const path = join(folder, `wrk-${callers}${kept ? '' : '-anew'}.lua`);
    if (scripts.has(path)) return path;
    const more = kept ? '' : ', ["Connection"] = "close"';
    const lua = `local requests, n = {}, 0
init = function()
  local i = 0
  for token in io.lines("${tokenFile}") do
    if i >= ${callers} then break end
    requests[i] = wrk.format("GET", "/bench/v1/items", { ["Host"] = "127.0.0.1", ["Authorization"] = "Bearer " .. token${more} })
    i = i + 1
  end
end
request = function() n = (n + 7) % ${callers}; return requests[n] end
`;
    writeFileSync(path, lua);
    scripts.set(path, lua);
    return path;
  };
  return {
    /** Each answer is followed by a request. */
    async closed(peer: Peer, callers: number, duration: number, kept = true): Promise<Figures> {
      const script = scriptOf(callers, kept);
      const args = [
        '-t1',
        `-c${connections}`,
        `-d${duration}s`,
        '--timeout',
        '30s',
        '--latency',
        '-s',
        script,
        peer.url,
      ];
      const before = cpuMs(peer.pids);
      const { stdout } = await runFile('wrk', args);
      const cpu = cpuMs(peer.pids) - before;
      const bad = /Non-2xx or 3xx responses: (\d+)|Socket errors: (.*)/.exec(stdout);
      if (bad !== null) throw new Error(`${peer.name}: ${bad[0]}`);
      const requests = Number(/(\d+) requests in/.exec(stdout)?.[1]);
      const at = (share: string) => {
        const [, value, unit = 'ms'] = new RegExp(` ${share} +([\\d.]+)(us|ms|s)`).exec(stdout) ?? [];
        return Number(value) * ({ us: 0.001, ms: 1, s: 1000 }[unit] ?? 1);
      };
      const rate = Number(/Requests\/sec: +([\d.]+)/.exec(stdout)?.[1]);
      return { rate, cpu: (cpu / requests) * 1000, p50: at('50%'), p99: at('99%'), p999: null, late: null };
    },
    /** Requests leave on a schedule; the first `warm` are not in the percentiles. */
    async open(
      peer: Peer,
      { callers, rate, count, warm }: Record<'callers' | 'rate' | 'count' | 'warm', number>,
    ): Promise<Figures> {
      const script = fileURLToPath(new URL('./openLoad.ts', import.meta.url));
      const url = `${peer.url}/bench/v1/items`;
      const args = [script, url, rate, count, warm, tokenFile, callers].map(String);
      const before = cpuMs(peer.pids);
      const { stdout } = await runFile(process.execPath, args);
      const cpu = cpuMs(peer.pids) - before;
      type Found = Record<'requests' | 'failures' | 'p50' | 'p99' | 'p999' | 'late', number>;
      const { requests, failures, p50, p99, p999, late } = JSON.parse(stdout) as Found;
      if (failures !== 0) throw new Error(`${peer.name}: ${failures} requests of the open model failed`);
      return { rate: null, cpu: (cpu / requests) * 1000, p50, p99, p999, late };
    },
  };
}
