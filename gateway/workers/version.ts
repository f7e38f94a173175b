import { readFileSync } from 'node:fs';
import { WorkerError } from './workerError.ts';

/** The version of the program whose files are in place at the moment. */
export function installedVersion(): string {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  return version;
}

/**
 * Throws WorkerError `worker-version` unless the files are still those of the process that looks after the workers: those
 * of another version would start workers that count with it in messages that it does not understand.
 */
export function assertVersion(running: string): void {
  const installed = installedVersion();
  if (installed === running) return;
  throw new WorkerError({
    code: 'worker-version',
    message: `version ${installed} is installed, and the process that looks after the workers is of ${running}: stop it and start it anew`,
  });
}
