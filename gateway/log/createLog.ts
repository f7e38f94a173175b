import { type Logger, pino } from 'pino';
import type { GatewayConfig } from '../config/config.ts';
import { logLine } from './logLine.ts';

type Terminal = { isTTY?: boolean; write: (text: string) => unknown };

/** The log of one process, on standard output. */
export function createLog(
  { level, format }: Pick<GatewayConfig['log'], 'level' | 'format'>,
  base: { instance: string } | null,
  output: Terminal = process.stdout,
): Logger {
  const text = format === 'text' || (format === 'auto' && output.isTTY === true);
  if (text) return pino({ level, base }, { write: (line) => void output.write(logLine(line)) });
  return output === process.stdout
    ? pino({ level, base })
    : pino({ level, base }, output as { write: (line: string) => void });
}
