import { readCommits, subject } from '../git/commits.ts';
import { changedFiles, emptyTree } from '../git/compare.ts';
import { isTreePath, readBlob, readFolder } from '../git/readPath.ts';
import type { Core } from '../model/core.ts';
import { resolve } from '../model/resolve.ts';
import { renderDiff } from './diff.ts';
import { type Html, html } from './html.ts';
import { layout, pathTo, short, when } from './layout.ts';

const mostShown = 512 * 1024;

/** Splits `REF/path` where a branch's own name may hold slashes: the shortest part that names a commit is the ref. */
async function splitRef(
  core: Core,
  parts: readonly string[],
): Promise<{ ref: string; commit: string; path: string } | null> {
  for (let count = 1; count <= parts.length; count++) {
    const ref = parts.slice(0, count).join('/');
    const path = parts.slice(count).join('/');
    const commit = await resolve(core, ref);
    if (commit !== null && isTreePath(path)) return { ref, commit, path };
  }
  return null;
}

/** The bytes of a file, or null. */
export async function rawFile(core: Core, parts: readonly string[]): Promise<Buffer | null> {
  const place = await splitRef(core, parts);
  return place === null ? null : ((await readBlob(core.git, place.commit, place.path))?.bytes ?? null);
}

/** A file or a folder at a ref; null when there is none. */
export async function sourcePage(core: Core, parts: readonly string[]): Promise<Html | null> {
  const place = await splitRef(core, parts);
  if (place === null) return null;
  const { ref, commit, path } = place;
  const heading = html`<h1>${path === '' ? `${core.owner} / ${core.name}` : path}</h1>
<p class="meta">at <code>${ref}</code> <a class="sha" href="${pathTo(core, 'commit', commit)}">${short(commit)}</a></p>`;
  const folder = await readFolder(core.git, commit, path);
  if (folder !== null)
    return layout(
      core,
      path || ref,
      html`${heading}<div class="card"><ul class="list">${folder.map(
        (entry) =>
          html`<li><a class="title" href="${pathTo(core, entry.type === 'dir' ? 'tree' : 'blob', ref, entry.path)}">${entry.name}${entry.type === 'dir' && '/'}</a><span class="end">${entry.type === 'file' && `${entry.size} bytes`}</span></li>`,
      )}</ul></div>`,
    );
  const blob = await readBlob(core.git, commit, path);
  if (blob === null) return null;
  const text = blob.bytes.includes(0)
    ? 'This file is binary.'
    : blob.bytes.toString('utf8', 0, Math.min(blob.bytes.length, mostShown));
  return layout(
    core,
    path,
    html`${heading}<div class="card"><div class="head">${blob.bytes.length} bytes <a href="${pathTo(core, 'raw', ref, path)}">raw</a></div><pre class="source" tabindex="0">${text}</pre></div>`,
  );
}

/** One commit with its message and changes; null when there is none. */
export async function commitPage(core: Core, name: string): Promise<Html | null> {
  const sha = await resolve(core, name);
  const [commit] = sha === null ? [] : await readCommits(core.git, [sha]);
  if (commit === undefined) return null;
  const files = await changedFiles(core.git, commit.parents[0] ?? emptyTree, commit.sha);
  const rest = commit.message.slice(subject(commit.message).length).trim();
  return layout(
    core,
    subject(commit.message),
    html`<h1>${subject(commit.message)}</h1>
<p class="meta">${commit.author.name}, ${when(commit.committer.date)} <code>${commit.sha}</code></p>
${rest !== '' && html`<div class="card"><div class="body"><pre class="message">${rest}</pre></div></div>`}
<p class="quiet">${commit.parents.length > 1 ? 'Merge; compared with its first parent. ' : ''}Parents: ${commit.parents.map((parent) => html`<a class="sha" href="${pathTo(core, 'commit', parent)}">${short(parent)}</a> `)}</p>
${renderDiff(files)}`,
  );
}
