// The rules of `git check-ref-format`, so that no name reaches a command line, a path or a page unchecked.

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is being refused
const forbidden = /[\u0000-\u0020\u007f~^:?*[\\]|\.\.|@\{|\/\/|^\/|\/$|\.$/;

/** Whether `name` is a full ref name like `refs/heads/main`. */
export function isRefName(name: string): boolean {
  return (
    name.startsWith('refs/') &&
    name.split('/').length >= 3 &&
    Buffer.byteLength(name) <= 255 &&
    !forbidden.test(name) &&
    name.split('/').every((part) => part !== '' && !part.startsWith('.') && !part.endsWith('.lock'))
  );
}

/** Whether `name` may be a branch: a ref name once `refs/heads/` is put before it, and nothing Git reads as an option. */
export function isBranchName(name: string): boolean {
  return name !== '' && name !== 'HEAD' && !name.startsWith('-') && isRefName(`refs/heads/${name}`);
}

/** A full object id. */
export const isSha = (value: string): boolean => /^[0-9a-f]{40}$/.test(value);
