// What a spreadsheet takes for a formula, also in full width and behind blanks that it drops.
const formula = /^[\s\p{Cf}]*[=+\-@＝＋－＠]|^[\t\r\n]/u;

// What steers a terminal, or turns the text around it; the break of a line stays, in quotes.
const steering = /(?![\t\r\n])[\p{Cc}\p{Bidi_Control}]/gu;

function cell(text: string): string {
  const value = text.replace(steering, '\ufffd');
  const safe = formula.test(value) ? `'${value}` : value;
  return /[",\r\n;]|^\s|\s$/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** A line of CSV (RFC 4180), its end included: no cell of it is run by a spreadsheet or by a terminal. */
export const csvRow = (cells: readonly string[]): string => `${cells.map(cell).join(',')}\r\n`;
