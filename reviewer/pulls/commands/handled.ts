import type { ForgeComment } from '../../forge/forge.ts';

/** So many keys are remembered one by one; what was said before them is remembered by a time alone: `t1795428000000`. */
const most = 200;

type Said = Pick<ForgeComment, 'key' | 'atMs'>;

const untilOf = (handled: readonly string[]): number =>
  Math.max(...handled.map((key) => (/^t\d+$/.test(key) ? Number(key.slice(1)) : Number.NEGATIVE_INFINITY)));

/** Whether a comment was answered before: comments are answered in the order of time. */
export const isHandled = (handled: readonly string[], { key, atMs }: Said): boolean =>
  handled.includes(key) || atMs <= untilOf(handled);

/** What is remembered once `comment` is answered as well. `all`: the comments that are there, oldest first. */
export function withHandled(handled: readonly string[], comment: Said, all: readonly Said[]): string[] {
  const keys = [...handled.filter((key) => !/^t\d+$/.test(key)), comment.key];
  const dropped = new Set(keys.slice(0, Math.max(0, keys.length - most)));
  const times = all.filter(({ key }) => dropped.has(key)).map(({ atMs }) => atMs);
  const until = Math.max(untilOf(handled), ...times);
  return [...(Number.isFinite(until) ? [`t${until}`] : []), ...keys.slice(dropped.size)];
}
