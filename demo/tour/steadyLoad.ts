import { messageOf } from '../../bundle/format/messageOf.ts';
import type { Callable } from './callable.ts';

/** Requests that must all succeed, sent at an even pace, whatever happens meanwhile. */
export type SteadyLoad = { stop: () => Promise<LoadResult> };
export type LoadResult = {
  requests: number;
  callers: number;
  failures: readonly string[];
  slowestMs: number;
};

/** Starts one request every `everyMs`, by each of `calls` in turn; none waits for another (an open model). */
export function startSteadyLoad(options: {
  gateway: string;
  calls: readonly Callable[];
  tokens: Readonly<Record<string, string>>;
  everyMs: number;
}): SteadyLoad {
  const { gateway, calls, tokens, everyMs } = options;
  const pending = new Set<Promise<void>>();
  const failures: string[] = [];
  let requests = 0;
  let slowestMs = 0;
  const send = async ({ login, path, grant }: Callable) => {
    const started = performance.now();
    try {
      const response = await fetch(`${gateway}${path}`, {
        headers: { authorization: `Bearer ${tokens[login]}` },
      });
      await response.arrayBuffer();
      if (response.status !== 200) failures.push(`${login} ${path} (${grant.id}): ${response.status}`);
    } catch (error) {
      failures.push(`${login} ${path} (${grant.id}): ${messageOf(error)}`);
    }
    slowestMs = Math.max(slowestMs, performance.now() - started);
  };
  const timer = setInterval(() => {
    const call = calls[requests % calls.length];
    if (call === undefined) return;
    requests += 1;
    const sent = send(call).finally(() => pending.delete(sent));
    pending.add(sent);
  }, everyMs);
  // A tour that fails on the way must not be kept alive by the load it leaves behind.
  timer.unref();
  return {
    stop: async () => {
      clearInterval(timer);
      await Promise.all(pending);
      const callers = new Set(calls.slice(0, requests).map(({ login }) => login)).size;
      return { requests, callers, failures, slowestMs };
    },
  };
}
