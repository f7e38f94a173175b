import { spawn } from 'node:child_process';

/** Where the program runs; what decides whether somebody is there to see a browser. */
export type Surroundings = {
  platform: NodeJS.Platform;
  env: Readonly<Record<string, string | undefined>>;
  /** Both ends of the terminal. */
  isTerminal: boolean;
};

/**
 * The program that shows a page to whoever sits before this machine; null where nobody does: in CI, without a terminal,
 * over SSH, and on a Linux without a screen.
 */
export function browserCommand(url: string, { platform, env, isTerminal }: Surroundings): string[] | null {
  const isSet = (name: string) => (env[name] ?? '') !== '';
  if (!isTerminal || (isSet('CI') && env.CI !== 'false') || isSet('SSH_CONNECTION')) return null;
  if (platform === 'darwin') return ['open', url];
  // Without a shell: it would read an `&` in an address as its own.
  if (platform === 'win32') return ['rundll32', 'url.dll,FileProtocolHandler', url];
  if (isSet('WSL_DISTRO_NAME')) return ['wslview', url];
  return isSet('DISPLAY') || isSet('WAYLAND_DISPLAY') ? ['xdg-open', url] : null;
}

/** Starts it and waits for no end of it; where it is not there, nothing happens: the address is printed as well. */
export function openBrowser(url: string, surroundings: Surroundings): void {
  const [program, ...args] = browserCommand(url, surroundings) ?? [];
  if (program === undefined) return;
  try {
    const child = spawn(program, args, { stdio: 'ignore', detached: true });
    child.on('error', () => {});
    child.unref();
  } catch {
    // It is a courtesy.
  }
}
