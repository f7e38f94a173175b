import type { IncomingMessage, ServerResponse } from 'node:http';
import { Refusal } from '../http/refusal.ts';
import type { RecordFeed } from '../record/recordFeed.ts';

const mostFollowers = 16;
/** A reader so far behind misses lines, and hears how many: the gateway waits for nobody. */
const mostHeld = 2 ** 20;

/**
 * Answers `GET /decisions`: the last lines of the decision log, and with `?follow` all that come after them, until the
 * caller goes or `mayStay` no longer holds. Throws Refusal 503 when too many follow already.
 */
export function sendDecisions(
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
  { feed, mayStay }: { feed: RecordFeed; mayStay: () => boolean },
): void {
  const follows = url.searchParams.has('follow') && url.searchParams.get('follow') !== 'false';
  if (follows && feed.followers >= mostFollowers)
    throw new Refusal(503, 'decisions-busy', 'Too many follow the decisions already.', {
      'retry-after': '10',
    });
  response.writeHead(200, { 'content-type': 'application/x-ndjson', 'cache-control': 'no-store' });
  if (request.method === 'HEAD') return void response.end();
  const recent = feed.recent().join('');
  if (!follows) return void response.end(recent);
  // Also where there is nothing yet, the caller shall know that it is listened to.
  response.flushHeaders();
  response.write(recent);
  let missed = 0;
  const stop = feed.follow((lines) => {
    if (!mayStay()) return void response.destroy();
    if (response.writableLength > mostHeld) {
      missed += lines.length;
      return;
    }
    const gap = missed === 0 ? '' : `${JSON.stringify({ missed })}\n`;
    missed = 0;
    response.write(gap + lines.join(''));
  });
  response.once('close', stop);
  // Whoever goes away in the middle need not be told.
  response.on('error', () => response.destroy());
}
