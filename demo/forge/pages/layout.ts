import type { Core } from '../model/core.ts';
import { type Html, html, type Part } from './html.ts';

/** A whole page. Nothing is loaded from elsewhere and nothing runs. */
export function layout(core: Core, title: string, body: Part): Html {
  const base = `/${core.owner}/${core.name}`;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} · ${core.owner}/${core.name}</title>
<link rel="icon" href="/avatar.svg" type="image/svg+xml">
<link rel="stylesheet" href="/style.css">
</head>
<body>
<header class="top"><nav aria-label="Repository">
<a class="name" href="/">${core.owner} / ${core.name}</a>
<a href="${base}/pulls">Pull requests</a>
<a href="${base}/issues">Issues</a>
<span class="who">acting as <b>${core.viewer.login}</b></span>
</nav></header>
<main>
${body}
</main>
</body>
</html>
`;
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** `24 Nov 2026, 09:14 UTC` of an instant like `2026-11-24T09:14:00Z`. */
export function when(instant: string): Html {
  const date = new Date(instant);
  const clock = date.toISOString().slice(11, 16);
  return html`<time datetime="${instant}">${date.getUTCDate()} ${months[date.getUTCMonth()]} ${date.getUTCFullYear()}, ${clock} UTC</time>`;
}

export const short = (sha: string): string => sha.slice(0, 8);

/** Each part of a path, encoded for an address. */
export const pathTo = (core: Core, ...parts: string[]): string =>
  `/${[core.owner, core.name, ...parts.flatMap((part) => part.split('/'))].map(encodeURIComponent).join('/')}`;
