import { existsSync, mkdirSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { isCode } from '../../bundle/format/isCode.ts';
import { isAlive } from '../../bundle/isAlive.ts';

/**
 * Takes a lock file for this process, from a dead one too. Answers how to let go of it, or the living process that holds
 * it. Throws what the file system says.
 */
export function takeLock(lock: string): { release: () => void } | { holder: number } {
  mkdirSync(dirname(lock), { recursive: true });
  for (;;) {
    try {
      const begun = begunOf(process.pid);
      const text = [process.pid, ...(begun === null ? [] : [begun.boot, begun.tick])].join(' ');
      writeFileSync(lock, text, { flag: 'wx' });
      return {
        // What another process has taken since is its own.
        release: () => {
          if (existsSync(lock) && readFileSync(lock, 'utf8') === text) unlinkSync(lock);
        },
      };
    } catch (error) {
      if (!isCode(error, 'EEXIST')) throw error;
      const holder = lockHolder(lock);
      if (holder !== null && holder !== process.pid) return { holder };
      unlinkSync(lock);
    }
  }
}

/** The living process that holds a lock file; null when none does. Throws what the file system says. */
export function lockHolder(lock: string): number | null {
  const [pid = '', boot, tick] = readFileSync(lock, 'utf8').split(' ');
  const holder = Number(pid);
  if (!isAlive(holder)) return null;
  const begun = begunOf(holder);
  const other =
    boot !== undefined && begun !== null && (begun.boot !== boot || (begun.tick ?? tick) !== tick);
  return other ? null : holder;
}

/**
 * When a process began, in Linux: since which boot, and at which tick of it; null elsewhere. After a crash another
 * process, or a thread of one, soon has its number: numbers begin anew with each boot, and with each container.
 */
function begunOf(pid: number): { boot: string; tick: string | undefined } | null {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    return { boot, tick: tickOf(pid) };
  } catch {
    return null;
  }
}

/** Undefined where other users' processes are hidden. */
function tickOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The second field is a name in brackets, which may hold spaces and brackets of its own.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[22 - 3];
  } catch {
    return undefined;
  }
}
