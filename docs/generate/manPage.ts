import { readCommands } from './commandsPage.ts';

/** Text as roff takes it: a dot or quote at the start of a line would be a request, a hyphen a dash. */
const roff = (text: string) =>
  text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll('`', '')
    .replace(/^(?=[.'])/gm, '\\&');

/** docs/reference/grantgate.1, for man(1). */
export function manPage(): string {
  const lines = [
    '.TH GRANTGATE 1 "" "Grantgate" "User Commands"',
    '.SH NAME',
    'grantgate \\- access to APIs as grants in Git, enforced by a gateway and reviewed by pull requests',
    '.SH SYNOPSIS',
    '.B grantgate',
    '.I COMMAND',
    '[\\fIOPTIONS\\fR]',
    '.SH COMMANDS',
  ];
  for (const { usage, description, arguments: given, options, examples } of readCommands()) {
    lines.push(`.SS ${roff(usage)}`, roff(description));
    for (const { name, description: text } of given) lines.push('.TP', `.I ${roff(name)}`, roff(text));
    for (const { flags, description: text } of options) lines.push('.TP', `.B ${roff(flags)}`, roff(text));
    if (examples.length > 0) lines.push('.PP', '.nf', ...examples.map((line) => `    ${roff(line)}`), '.fi');
  }
  lines.push(
    '.SH EXIT STATUS',
    '0 when done, 1 for problems or findings that fail what the command promises, 2 when called or configured wrongly.',
  );
  return `${lines.join('\n')}\n`;
}
