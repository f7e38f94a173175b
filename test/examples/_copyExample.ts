import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findOpa } from '../../bundle/policy/opa.ts';
import { root } from '../project/_copyRepository.ts';

/**
 * A copy of examples/NAME/ to run in, with `grantgate` and `opa` on the PATH of its environment; `besides` are folders of the
 * repository that lie where they do from there.
 */
export async function copyExample(name: string, besides: readonly string[] = []) {
  const place = mkdtempSync(join(tmpdir(), `grantgate-example-${name}-`));
  const [folder, bin] = [join(place, 'examples', name), join(place, 'bin')];
  for (const path of [`examples/${name}`, ...besides])
    cpSync(join(root, path), join(place, path), { recursive: true });
  mkdirSync(bin);
  const { path } = await findOpa();
  symlinkSync(path, join(bin, 'opa'));
  const program = `#!/bin/sh\nexec node '${join(root, 'cli.ts')}' "$@"\n`;
  writeFileSync(join(bin, 'grantgate'), program, { mode: 0o755 });
  return {
    folder,
    bin,
    env: { ...process.env, PATH: `${bin}:${process.env.PATH}`, OPA_PATH: path, HOME: place, NO_COLOR: '1' },
    read: (file: string) => readFileSync(join(folder, file), 'utf8'),
    edit: (file: string, change: (text: string) => string) =>
      writeFileSync(join(folder, file), change(readFileSync(join(folder, file), 'utf8'))),
    remove: () => rmSync(place, { recursive: true, force: true }),
  };
}
