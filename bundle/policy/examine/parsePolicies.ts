import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { BundleError } from '../../bundleError.ts';
import { isMapping } from '../../format/isMapping.ts';
import { type Node, wholeNumber } from './syntax.ts';

/** What of opa is needed to parse: a failing command is an answer (`code` ≠ 0), not an error. */
export type Parser = {
  run: (
    args: readonly string[],
    options: { cwd: string },
  ) => Promise<{ code: number; stdout: string; stderr: string }>;
};

/** A number that is not written as a whole one stays as it is written. */
const asWritten = (_: string, value: unknown, context?: { source?: string }) =>
  typeof value === 'number' && !wholeNumber.test(context?.source ?? '') ? context?.source : value;
const parse: (text: string, reviver: typeof asWritten) => unknown = JSON.parse;

/** Reads policies (path → Rego) as OPA does. Throws BundleError `policy-invalid` with opa's message, OpaError. */
export async function parsePolicies(
  opa: Parser,
  policies: ReadonlyMap<string, Buffer>,
): Promise<Map<string, Node>> {
  const work = await mkdtemp(join(tmpdir(), 'grantgate-parse-'));
  try {
    const modules = new Map<string, Node>();
    for (const [name, source] of policies) {
      await mkdir(dirname(join(work, name)), { recursive: true });
      await writeFile(join(work, name), source);
      const asked = ['parse', '--format', 'json', '--json-include', 'locations', name];
      const { code, stdout, stderr } = await opa.run(asked, { cwd: work });
      if (code !== 0)
        throw new BundleError('policy-invalid', `opa cannot read ${name}: ${(stderr || stdout).trim()}`);
      const module = parse(stdout, asWritten);
      if (!isMapping(module)) throw new BundleError('policy-invalid', `opa reads nothing in ${name}`);
      modules.set(name, module);
    }
    return modules;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}
