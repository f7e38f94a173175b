/** A commit on top of a base: `text` null takes a file out; `at`: seconds since 1970. */
type Made = {
  /** A commit's id, or a branch in full. */
  base: string;
  /** The ref that is moved there. */
  ref?: string;
  changes: readonly { path: string; text: string | null; executable: boolean }[];
  message: string;
  at: number;
  by: { name: string; email: string };
};

/** In quotes any byte of a path is itself: `"`, `\` and line breaks, too. */
const quoted = (path: string) =>
  `"${path.replace(/["\\]/g, '\\$&').replaceAll('\n', '\\n').replaceAll('\r', '\\r')}"`;
const data = (text: string) => `data ${Buffer.byteLength(text)}\n${text}\n`;

/**
 * Writes a commit in the language of `git fast-import`, which makes its blobs, its trees and itself in one process, and
 * answers with its id. The same commit is the same bytes.
 */
export function importOf({ base, changes, message, at, by, ref = 'refs/grantgate/made' }: Made): string {
  const who = `${by.name} <${by.email}> ${at} +0000`;
  return [
    `commit ${ref}\nmark :1\n`,
    `author ${who}\ncommitter ${who}\n`,
    data(message),
    `from ${base}^0\n`,
    ...changes.map(({ path, text, executable }) =>
      text === null
        ? `D ${quoted(path)}\n`
        : `M ${executable ? '100755' : '100644'} inline ${quoted(path)}\n${data(text)}`,
    ),
    'get-mark :1\ndone\n',
  ].join('');
}
