import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { BundleError } from '../bundleError.ts';
import type { Opa } from './opa.ts';

const output = z.object({
  result: z.tuple([
    z.object({ expressions: z.tuple([z.object({ value: z.array(z.tuple([z.int(), z.unknown()])) })]) }),
  ]),
});

/**
 * Asks OPA itself, in one run, what a rule (`grantgate/authz/decision`) answers to each input over one document. Throws
 * BundleError `policy-invalid` with opa's message, OpaError.
 */
export function answerAll(opa: Opa, policies: ReadonlyMap<string, Buffer>, entrypoint: string) {
  const rule = `data.${entrypoint.replaceAll('/', '.')}`;
  const query = `[[index, answer] | some index, one in input; answer := ${rule} with input as one]`;
  return async (inputs: readonly unknown[], document: unknown): Promise<unknown[]> => {
    const work = await mkdtemp(join(tmpdir(), 'grantgate-answers-'));
    try {
      for (const [name, source] of policies) {
        await mkdir(dirname(join(work, name)), { recursive: true });
        await writeFile(join(work, name), source);
      }
      await writeFile(join(work, 'data.json'), JSON.stringify(document));
      const loaded = ['data.json', ...policies.keys()].flatMap((name) => ['--data', name]);
      const { code, stdout, stderr } = await opa.run(
        ['eval', '--format', 'json', '--stdin-input', ...loaded, query],
        { cwd: work, input: JSON.stringify(inputs) },
      );
      if (code !== 0)
        throw new BundleError(
          'policy-invalid',
          `opa cannot answer by the policy: ${firstFault(stdout) || stderr.trim()}`,
        );
      const answers = new Map(output.parse(JSON.parse(stdout)).result[0].expressions[0].value);
      return inputs.map((_, index) => answers.get(index));
    } finally {
      await rm(work, { recursive: true, force: true });
    }
  };
}

const faults = z.object({
  errors: z.array(
    z.object({
      message: z.string(),
      location: z.object({ file: z.string(), row: z.number() }).optional(),
    }),
  ),
});

/** The first thing that opa finds wrong, with its place. */
function firstFault(stdout: string): string {
  let parsed: unknown = null;
  try {
    parsed = JSON.parse(stdout);
  } catch {
    return stdout.trim();
  }
  const [first] = faults.safeParse(parsed).data?.errors ?? [];
  if (first === undefined) return stdout.trim();
  const { message, location } = first;
  return location ? `${location.file}:${location.row}: ${message}` : message;
}
