import { dayMs } from '../bundle/format/times.ts';
import { parseYaml } from '../bundle/yaml/parseYaml.ts';
import { daysBetween, referenceDay } from './organisation.ts';
import { directoryPath, pastDirectory, readAt } from './pastDirectory.ts';

/** One commit to make: `files` holds the full text of each path that changed. */
export type Commit = {
  /** Milliseconds since 1970. */
  at: number;
  author: string;
  message: string;
  files: ReadonlyMap<string, string>;
};

const minuteMs = 60_000;

/** When the sample's suspended grants were suspended, as of {@link referenceDay}: the files do not say, Git does. */
const suspensions: Readonly<Record<string, string>> = {
  'inventory-arjun-import': '2026-10-09',
  'inventory-victor-import': '2026-11-11',
};
/** Who merges for a group. */
const leads: Readonly<Record<string, string>> = {
  commerce: 'mara.lind',
  finance: 'dana.okafor',
  logistics: 'rafael.costa',
  merchandising: 'clara.voss',
  'people-ops': 'ruth.adler',
  platform: 'victor.hale',
  'support-leads': 'ingrid.berg',
};

type Item = {
  id: string;
  principal: string;
  api: string;
  reason: string;
  ticket?: string;
  owner: string;
  granted: string;
  state?: string;
  review?: { by: string; at: string; reason: string };
};
/** A grant in its file: the block of text from its comment to the end of its last line, and the instants it changed. */
type Block = { item: Item; text: string; granted: number; reviewed: number | null; suspended: number | null };

/**
 * Tells how the organisation's files (path → text, as {@link datedOrganisation} gives them) came to be: an import of
 * everything but grants, then each grant on the day it was granted, each review when it was given, each suspension on
 * its day. The last commit leaves exactly the given texts. Evidence from Git (since when is a grant suspended, was it
 * changed after its review) needs such a history. Oldest first.
 */
export function commits(texts: ReadonlyMap<string, string>, today: Date | string): Commit[] {
  const moved = daysBetween(referenceDay, today) * dayMs;
  const access = [...texts].filter(([path]) => path.startsWith('grants/access/'));
  const files = access.map(([path, text]) => ({ path, ...readBlocks(path, text, moved) }));
  const blocks = files.flatMap((file) => file.blocks);
  const first = Math.min(...blocks.map(({ granted }) => granted)) - dayMs;

  const rulesPath = 'grants/review.yaml';
  const base = new Map(
    [...texts].filter(([path]) => !path.startsWith('grants/access/') && path !== rulesPath),
  );
  // An exemption may not name a grant that is not there yet.
  const rules = texts.get(rulesPath);
  const exempt = (id: string) => rules?.includes(`grant: ${id},`) === true;
  const ruled = Math.max(...blocks.map(({ item, granted }) => (exempt(item.id) ? granted : first + dayMs)));
  const directory = texts.get(directoryPath);
  // The last sync that found somebody moved, gone or come.
  const synced = Date.parse(`${referenceDay}T03:00:00Z`) + moved - 3 * dayMs;
  if (directory !== undefined) base.set(directoryPath, pastDirectory(directory, first));
  const result: Commit[] = [
    {
      at: first,
      author: 'victor.hale',
      message: 'grants: bring access rules under version control',
      files: base,
    },
  ];
  const instants = blocks.flatMap(({ granted, reviewed, suspended }) => [
    granted,
    reviewed ?? granted,
    suspended ?? granted,
  ]);
  const before = new Map<string, string>();
  for (const at of [...new Set(instants)].sort((a, b) => a - b)) {
    const changed = new Map<string, string>();
    for (const file of files) {
      const text = textAt(file, at);
      if (text === null || text === before.get(file.path)) continue;
      before.set(file.path, text);
      changed.set(file.path, text);
    }
    if (at === ruled && rules !== undefined) changed.set(rulesPath, rules);
    result.push({ at, files: changed, ...saying(blocks, at) });
  }
  if (directory !== undefined) {
    const sync = { author: 'victor.hale', message: 'directory: sync okta' };
    const read = readAt(directory, synced);
    // Each is merged soon after it was read; the one of last night found nothing new.
    result.push({ ...sync, at: synced + 5 * minuteMs, files: new Map([[directoryPath, read]]) });
    const last = Date.parse(/^synced: (\S+)/m.exec(directory)?.[1] ?? '');
    result.push({ ...sync, at: last + 5 * minuteMs, files: new Map([[directoryPath, directory]]) });
  }
  return result.sort((a, b) => a.at - b.at);
}

function readBlocks(path: string, text: string, moved: number): { header: string; blocks: Block[] } {
  const [, header = '', rest = ''] = /^((?:#.*\n)*)([\s\S]*)$/.exec(text) ?? [];
  const items = parseYaml(text, path).value as Item[];
  const parts = rest.trimEnd().split('\n\n');
  if (parts.length !== items.length) throw new Error(`${path}: grants must be parted by one empty line`);
  const blocks = items.map((item, i): Block => {
    const suspended = suspensions[item.id];
    return {
      item,
      text: parts[i] ?? '',
      // In office hours of its day.
      granted: Date.parse(`${item.granted.slice(0, 10)}T09:00:00Z`),
      reviewed: item.review ? Date.parse(item.review.at) : null,
      suspended: suspended === undefined ? null : Date.parse(`${suspended}T15:00:00Z`) + moved,
    };
  });
  return { header, blocks };
}

/** The file as it was right after `at`, or null when it did not exist yet. */
function textAt({ header, blocks }: { header: string; blocks: Block[] }, at: number): string | null {
  const there = blocks.filter(({ granted }) => granted <= at);
  if (there.length === 0) return null;
  const texts = there.map(({ text, reviewed, suspended }) => {
    const lines = text.split('\n');
    const lineOf = (key: string) => lines.findIndex((line) => line.startsWith(`  ${key}: `));
    if (reviewed !== null && reviewed > at) {
      let from = lineOf('review');
      // The comment above explains the review, so it came with it.
      let removed = 1;
      while (lines[from - 1]?.startsWith('  #')) {
        from -= 1;
        removed += 1;
      }
      lines.splice(from, removed);
    }
    if (suspended !== null && suspended > at) lines.splice(lineOf('state'), 1);
    return lines.join('\n');
  });
  return `${header}${texts.join('\n\n')}\n`;
}

function saying(blocks: readonly Block[], at: number): { author: string; message: string } {
  const granted = blocks.filter((block) => block.granted === at).map(({ item }) => item);
  const certified = blocks.filter((block) => block.reviewed === at).map(({ item }) => item);
  const [reviewed] = certified;
  const suspended = blocks.find((block) => block.suspended === at)?.item;
  const item = granted[0] ?? reviewed ?? suspended;
  if (item === undefined) throw new Error('a commit without a cause');
  const lead = (owner: string) =>
    owner.startsWith('user:') ? owner.slice(5).split('@')[0] : leads[owner.slice('group:'.length)];
  const author = (reviewed ? reviewed.review?.by.slice(5).split('@')[0] : lead(item.owner)) ?? 'victor.hale';
  if (reviewed) {
    const what = certified.length === 1 ? reviewed.id : `${certified.length} grants`;
    return { author, message: `access: keep ${what}\n\n${reviewed.review?.reason ?? ''}` };
  }
  if (granted.length === 0) return { author, message: `access: suspend ${item.id}` };
  const tickets = [...new Set(granted.map(({ ticket }) => ticket).filter((ticket) => ticket !== undefined))];
  const title =
    granted.length === 1
      ? `access: grant ${item.id} to ${item.principal}`
      : `access: ${granted.length} grants`;
  const body = granted.map(({ id, reason }) => `${id}: ${reason}`).join('\n');
  return { author, message: `${title}\n\n${body}${tickets.length > 0 ? `\n\n${tickets.join(', ')}` : ''}` };
}
