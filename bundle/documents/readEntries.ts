import type { Problem } from '../bundleError.ts';
import { isMapping } from '../format/isMapping.ts';
import { parseYaml } from '../yaml/parseYaml.ts';
import type { Places } from '../yaml/places.ts';
import { problem, show } from '../yaml/problem.ts';

const MiB = 1024 * 1024;
/** A million entries of 60 bytes. */
export const mostDocumentBytes = 64 * MiB;
/** Files are read by pieces of about this size: what YAML takes to be read is many times the text. */
const usualPiece = MiB / 4;
/** A larger one, which is one entry or all in braces, would take gigabytes. */
const mostPiece = 8 * MiB;
const limits = { bytes: mostDocumentBytes, depth: 20 };
/** So many problems are told of one file. */
export const mostProblems = 100;

/** A document as it is written. `at` tells a problem at an entry or what is below it, by its path; at its key where `key` says so. */
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
  /** How many entries there are up to the end of each piece. */
  const counts: number[] = [];
  for (const piece of pieces) {
    if (piece.text.length > mostPiece) {
      const what = `a file larger than ${mostPiece} bytes must have each key at the beginning of a line, without braces around all`;
      problems.push({ ...problem(file, 'file-too-large', what), line: piece.line + 1 });
      break;
    }
    const { value, places, problems: found } = parseYaml(piece.text, file, limits);
    const moved = (one: Problem): Problem => ({ ...one, line: one.line + piece.line });
    problems.push(...found.map(moved));
    if (value !== null && value !== undefined && !isMapping(value)) {
      const what = `the file must be a mapping of keys to values, got ${show(value)}`;
      problems.push(moved(problem(places.nearest([]), 'invalid-value', what)));
    }
    for (const [key, inner] of isMapping(value) ? Object.entries(value) : []) {
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
    counts.push(entries.size);
    if (problems.length >= mostProblems) break;
  }
  const pieceOf = (key: string): Piece | undefined => {
    let position = 0;
    for (const one of entries.keys()) {
      if (one === key) return pieces[counts.findIndex((count) => count > position)];
      position += 1;
    }
    return pieces[0];
  };
  return { entries, problems: problems.slice(0, mostProblems), at: finder(pieceOf, file) };
}

type Piece = { text: string /** Lines before it. */; line: number };

/** Cuts before lines that begin with a key; not at all where a line may end the document, or all of it is in braces. */
function piecesOf(text: string): Piece[] {
  if (text.length <= usualPiece || /^(?:---|\.\.\.|%|\{)/m.test(text)) return [{ text, line: 0 }];
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

/** Looks for the place of something when it is asked for, which is mostly never: its piece is read once more. */
function finder(pieceOf: (key: string) => Piece | undefined, file: string): Entries['at'] {
  let last: { piece: Piece; places: Places } | null = null;
  return (path, code, message, key = false) => {
    const piece = pieceOf(String(path[0] ?? ''));
    if (piece === undefined) return problem(file, code, message);
    if (last?.piece !== piece) last = { piece, places: parseYaml(piece.text, file, limits).places };
    const { places } = last;
    const place = (key ? places.key(path) : undefined) ?? places.nearest(path);
    return problem({ ...place, line: place.line + piece.line }, code, message);
  };
}
