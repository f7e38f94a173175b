import type { ServerResponse } from 'node:http';
import { followDecisions, shownOf, type Told } from './followDecisions.ts';
import type { DecisionFilter } from './views/decisionsPage.ts';

/** A reader so far behind misses some, and hears how many. */
const mostHeld = 2 ** 20;
/** A comment now and then: a browser that is gone is found out. */
const signOfLifeMs = 15_000;

type Options = { gateways: readonly string[]; token: string | null; filter: DecisionFilter };

/** Sends decisions as server-sent events until the browser goes or a gateway does: the browser asks again by itself. */
export async function streamDecisions(
  response: ServerResponse,
  { gateways, token, filter }: Options,
): Promise<void> {
  const stop = new AbortController();
  response.once('close', () => stop.abort());
  response.on('error', () => response.destroy());
  const alive = setInterval(() => response.write(': \n\n'), signOfLifeMs);
  let missed = 0;
  const send = (told: Told) => {
    if (response.writableLength > mostHeld) missed += 'missed' in told ? told.missed : 1;
    else {
      if (missed > 0) response.write(`data: ${JSON.stringify({ missed })}\n\n`);
      missed = 0;
      // JSON has no line ends of its own, so nothing in a record can end an event.
      response.write(`data: ${JSON.stringify(told)}\n\n`);
    }
  };
  response.write('retry: 3000\n\n');
  try {
    await Promise.race(
      gateways.map(async (url) => {
        for await (const json of followDecisions({ url, token }, '?follow', stop.signal)) {
          const shown = shownOf(json, filter);
          if (shown !== null) send(shown);
        }
      }),
    );
  } catch {
    // Told by the end of the stream; the page that is loaded anew says why.
  } finally {
    clearInterval(alive);
    stop.abort();
    response.end();
  }
}
