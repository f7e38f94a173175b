import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { isLoopback } from '../../bundle/format/isLoopback.ts';
import { messageOf } from '../../bundle/format/messageOf.ts';
import { baseStyle } from '../../reviewer/page/baseStyle.ts';
import { html, page, policyOf } from '../../reviewer/page/html.ts';
import type { Step } from './createTour.ts';
import { drawLoop, loopStyle } from './drawLoop.ts';

const style = `${baseStyle}
main { max-width: 52rem; } a { color: var(--fill); overflow-wrap: anywhere; }
ol { padding-left: 1.4rem; } li { margin-bottom: .8rem; } pre { white-space: pre-wrap; overflow-wrap: anywhere; margin: .3rem 0; }
button { font: inherit; padding: .45rem 1rem; cursor: pointer; } .soft { color: var(--soft); } .bad { font-weight: 600; }
:focus-visible { outline: 2px solid var(--fill); outline-offset: 2px; }
${loopStyle}`;

const policy = `${policyOf({ style, served: true })}; frame-ancestors 'none'`;

type Options = {
  steps: readonly Step[];
  port: number;
  /** Where else to look: name and address. */
  addresses: readonly (readonly [name: string, url: string])[];
};

/**
 * The tour as a page: the loop drawn, and a button for the next step. A step changes things, so only the page itself
 * may press the button: a form of another site, or a name that was made to lead here, is refused.
 */
export async function serveTour({
  steps,
  port,
  addresses,
}: Options): Promise<{ url: string; close: () => Promise<void> }> {
  const done: { lines: string[]; wrong: string | null }[] = [];
  let running: string | null = null;

  const show = () => {
    const current = steps[running === null ? Math.max(0, done.length - 1) : done.length];
    const broken = done.at(-1)?.wrong != null;
    const items = steps.map(({ title }, index) => {
      const seen = done[index];
      const lines = seen?.lines.map(
        (line) =>
          html`<pre>${/^https?:\/\/127\.0\.0\.1:\d+\/\S*$/.test(line) ? html`<a href="${line}">${line}</a>` : line}</pre>`,
      );
      return html`<li><strong>${title}</strong>${lines ?? []}${seen?.wrong != null && html`<p class="bad">It did not hold: ${seen.wrong}</p>`}${index === done.length && running !== null && html`<p class="soft" role="status">${running} …</p>`}</li>`;
    });
    const next = steps[done.length];
    const button =
      next !== undefined && running === null && !broken
        ? html`<form method="post" action="/next"><input type="hidden" name="step" value="${done.length}"><button>Step ${done.length + 1}: ${next.title}</button></form>`
        : null;
    const links = addresses.map(([name, url]) => html`<li><a href="${url}">${name}</a></li>`);
    const body = html`<main><h1>The loop, once around</h1>
${drawLoop(done.length === 0 && running === null ? [] : (current?.at ?? []))}
<ol>${items}</ol>${button}${next === undefined && !broken && html`<p>That was the loop. Merge another pull request, and look again.</p>`}
<h2>Where to look</h2><ul>${links}</ul></main>`;
    return page({ title: 'Grantgate: the tour', style, served: true, body });
  };

  const walk = async (step: Step) => {
    running = step.title;
    const lines: string[] = [];
    let wrong: string | null = null;
    try {
      await step.run(
        (line) => void lines.push(line),
        (what) => {
          running = what;
        },
      );
    } catch (error) {
      wrong = messageOf(error);
    }
    done.push({ lines, wrong });
    running = null;
  };

  const answer = (request: IncomingMessage, response: ServerResponse) => {
    request.resume();
    const end = (status: number, headers: Record<string, string> = {}, text = '') =>
      void response
        .writeHead(status, {
          ...{
            'content-security-policy': policy,
            'x-content-type-options': 'nosniff',
            'cache-control': 'no-store',
          },
          ...{ 'referrer-policy': 'same-origin', 'content-type': 'text/html; charset=utf-8', ...headers },
        })
        .end(text);
    const { host = '', origin } = request.headers;
    if (!isLoopback(URL.parse(`http://${host}`)?.hostname ?? '')) return end(421);
    const name = `${request.method} ${request.url}`;
    if (name === 'GET /') return end(200, running === null ? {} : { refresh: '1' }, show());
    if (name !== 'POST /next') return end(404);
    if (origin !== `http://${host}`) return end(403);
    const step = steps[done.length];
    // Pressed twice, it is walked once.
    if (step !== undefined && running === null && done.at(-1)?.wrong == null) void walk(step);
    end(303, { location: '/' });
  };
  const server = createServer({ requestTimeout: 10_000, headersTimeout: 10_000 }, answer);
  await new Promise<void>((ready, failed) => {
    server.once('error', failed);
    server.listen(port, '127.0.0.1', ready);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    async close() {
      const closed = new Promise((ended) => server.close(ended));
      server.closeAllConnections();
      await closed;
    },
  };
}
