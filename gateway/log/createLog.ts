import { type Logger, pino, stdSerializers } from 'pino';
import type { GatewayConfig } from '../config/config.ts';
import { logLine } from './logLine.ts';

type Terminal = { isTTY?: boolean; write: (text: string) => unknown };

/** What refuses with a code of ours tells all there is to do; where a fault comes from, only its trace tells. */
function errorOf(error: unknown) {
  const told = stdSerializers.err(error as Error) as Record<string, unknown>;
  if (typeof told?.code === 'string' && /^[a-z]+(?:-[a-z]+)*$/.test(told.code)) delete told.stack;
  return told;
}

/** The log of one process, on standard output. */
export function createLog(
  { level, format }: Pick<GatewayConfig['log'], 'level' | 'format'>,
  base: { instance: string } | null,
  output: Terminal = process.stdout,
): Logger {
  const options = { level, base, serializers: { err: errorOf } };
  const text = format === 'text' || (format === 'auto' && output.isTTY === true);
  if (text) return pino(options, { write: (line) => void output.write(logLine(line)) });
  return output === process.stdout
    ? pino(options)
    : pino(options, output as { write: (line: string) => void });
}
