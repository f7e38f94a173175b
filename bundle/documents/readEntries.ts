import type { Problem } from '../bundleError.ts';
import { parseYaml } from '../yaml/parseYaml.ts';
import type { Places } from '../yaml/places.ts';
import { problem, show } from '../yaml/problem.ts';

const MiB = 1024 * 1024;
/** A million entries of 60 bytes. */
export const mostDocumentBytes = 64 * MiB;
/** Files are read by pieces of about this size: what YAML takes to be read is many times the text. */
const usualPiece = MiB / 4;
const limits = { bytes: mostDocumentBytes, depth: 20 };
/** So many problems are told of one file. */
export const mostProblems = 100;

/** A document as it is written. `placeOf` finds an entry or what is below it again, by its path; the key where `key` says so. */
export type Entries = {
  entries: ReadonlyMap<string, unknown>;
  problems: Problem[];
  at: (path: readonly PropertyKey[], code: string, message: string, key?: boolean) => Problem;
};

/**
 * Reads a mapping of keys to values, as strictly as files of grants. A line that begins with a key begins an entry, so a
 * large file is read by pieces that each are a whole mapping. Never throws.
 */
export function readEntries(bytes: Buffer, file: string): Entries {
  const entries = new Map<string, unknown>();
  const problems: Problem[] = [];
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return {
      entries,
      problems: [problem(file, 'not-utf8', 'the file is not UTF-8 text')],
      at: () => problem(file, '', ''),
    };
  }
  const pieces = piecesOf(text);
  for (const piece of pieces) {
    const { value, places, problems: found } = parseYaml(piece.text, file, limits);
    const moved = (one: Problem): Problem => ({ ...one, line: one.line + piece.line });
    problems.push(...found.map(moved));
    if (value === null || value === undefined) continue;
    if (!isMapping(value)) {
      const what = `the file must be a mapping of keys to values, got ${show(value)}`;
      problems.push(moved(problem(places.nearest([]), 'invalid-value', what)));
      continue;
    }
    for (const [key, inner] of Object.entries(value)) {
      if (entries.has(key))
        problems.push(
          moved(
            problem(
              places.key([key]) ?? places.nearest([key]),
              'yaml-duplicate-key',
              `the key ${show(key)} is given twice`,
            ),
          ),
        );
      else entries.set(key, inner);
    }
    if (problems.length >= mostProblems) break;
  }
  return { entries, problems: problems.slice(0, mostProblems), at: finder(pieces, file) };
}

type Piece = { text: string /** Lines before it. */; line: number };

const isMapping = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Cuts before lines that begin with a key; not at all where a line may end the document. */
function piecesOf(text: string): Piece[] {
  if (text.length <= usualPiece || /^(?:---|\.\.\.|%)/m.test(text)) return [{ text, line: 0 }];
  const pieces: Piece[] = [];
  const begins = /\n(?=[A-Za-z0-9"'_])/g;
  let [from, line] = [0, 0];
  while (from < text.length) {
    begins.lastIndex = from + usualPiece;
    const to = from + usualPiece < text.length && begins.test(text) ? begins.lastIndex : text.length;
    const piece = text.slice(from, to);
    pieces.push({ text: piece, line });
    line += piece.match(/\r\n?|\n/g)?.length ?? 0;
    from = to;
  }
  return pieces;
}

/** Looks for the place of something when it is asked for, which is mostly never: the pieces are read once more. */
function finder(pieces: readonly Piece[], file: string): Entries['at'] {
  const last = { piece: -1, places: null as Places | null };
  return (path, code, message, key = false) => {
    const [first] = path;
    for (const [index, { text, line }] of pieces.entries()) {
      if (pieces.length > 1 && first !== undefined && !text.includes(String(first))) continue;
      if (last.piece !== index)
        Object.assign(last, { piece: index, places: parseYaml(text, file, limits).places });
      const { places } = last;
      if (places === null || (first !== undefined && places.key([first]) === undefined)) continue;
      const place = (key ? places.key(path) : undefined) ?? places.nearest(path);
      return problem({ ...place, line: place.line + line }, code, message);
    }
    return problem(file, code, message);
  };
}
