import type { Finding } from './finding.ts';

const marks = { ok: '✓', warning: '!', problem: '✗' } as const;

/** Findings for a terminal of 80 columns; only a single word may be longer than a line. */
export function doctorText(findings: readonly Finding[]): string {
  const lines = findings.flatMap(({ check, state, message, advice }, index) => [
    ...wrapped(`${marks[state]} ${check}: ${message}`, '  '),
    // What is to be done about several in a row is said once.
    ...(advice === undefined || findings[index + 1]?.advice === advice
      ? []
      : wrapped(`  → ${advice}`, '    ')),
  ]);
  const count = (state: Finding['state'], one: string) => {
    const number = findings.filter((finding) => finding.state === state).length;
    return `${number} ${number === 1 ? one : `${one}s`}`;
  };
  return [...lines, `${count('problem', 'problem')}, ${count('warning', 'warning')}`].join('\n');
}

function wrapped(text: string, indent: string): string[] {
  const lines: string[] = [];
  // What servers answer must not draw on the terminal.
  const [first = '', ...words] = text.replaceAll(/[\p{Cc}\p{Cf}]+/gu, ' ').split(/(?<=\S) +/);
  let line = first;
  for (const word of words) {
    if (line.length + 1 + word.length > 80) {
      lines.push(line);
      line = indent + word;
    } else line += ` ${word}`;
  }
  return [...lines, line];
}
