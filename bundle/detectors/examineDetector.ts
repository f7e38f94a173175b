import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { BundleError, type Problem } from '../bundleError.ts';
import { isMapping } from '../format/isMapping.ts';
import { parsePolicies } from '../policy/examine/parsePolicies.ts';
import { createRootRead, problemAt } from '../policy/examine/rootRead.ts';
import { constant, isLanguageImport, listOf, nameOf } from '../policy/examine/syntax.ts';
import { walkModules } from '../policy/examine/walkModules.ts';
import type { Opa } from '../policy/opa.ts';
import { builtInPolicies, capabilitiesFile } from '../policy/policies.ts';
import { problem, sortProblems } from '../yaml/problem.ts';
import type { OwnDetector } from './readDetectors.ts';

/** What is wrong with a detector, and whether it looks at use: one that does says how far back. */
export type Examined = { problems: Problem[]; hasWindow: boolean };

const opaFault = z.object({
  errors: z.array(
    z.object({
      message: z.string(),
      location: z.object({ file: z.string(), row: z.number(), col: z.number() }).optional(),
    }),
  ),
});

/** The Rego package in which a detector must stand. */
export const packageOf = ({ name }: OwnDetector): string =>
  `grantgate.detectors.${name.replaceAll('-', '_')}`;

/** opa lets an object have more than its schema tells unless it says that there is no more. */
function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed);
  if (!isMapping(schema)) return schema;
  const inside = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, closed(value)]));
  return isMapping(schema.properties) && schema.additionalProperties === undefined
    ? { ...inside, additionalProperties: false }
    : inside;
}

/** What a detector is told: what the product's are, but of use its own window, and of thresholds its own too. */
async function factsSchema(): Promise<unknown> {
  const read: unknown = JSON.parse(await readFile(join(builtInPolicies, 'schemas', 'review.json'), 'utf8'));
  const { properties } = z.looseObject({ properties: z.record(z.string(), z.unknown()) }).parse(read);
  const usage = isMapping(properties.usage) ? properties.usage.additionalProperties : {};
  const { own: _, ...facts } = properties;
  return closed({ type: 'object', properties: { ...facts, usage } });
}

async function typesOf(own: OwnDetector, opa: Opa): Promise<Problem[]> {
  const work = await mkdtemp(join(tmpdir(), 'grantgate-detector-'));
  try {
    await mkdir(join(work, 'schemas'));
    await writeFile(join(work, 'schemas', 'detector.json'), JSON.stringify(await factsSchema()));
    const types = [
      '# METADATA',
      '# scope: subpackages',
      '# schemas:',
      '#   - input: schema.detector',
      'package grantgate.detectors',
      '',
    ];
    await writeFile(join(work, 'types.rego'), types.join('\n'));
    await mkdir(dirname(join(work, own.path)), { recursive: true });
    await writeFile(join(work, own.path), own.source);
    const options = [
      '--strict',
      '--capabilities',
      capabilitiesFile,
      '--schema',
      'schemas',
      '--format',
      'json',
    ];
    const { code, stdout, stderr } = await opa.run(['check', ...options, 'types.rego', own.path], {
      cwd: work,
    });
    if (code === 0) return [];
    return faultsOf(stdout || stderr, own);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

function faultsOf(output: string, { path }: OwnDetector): Problem[] {
  let parsed: unknown = null;
  try {
    parsed = JSON.parse(output);
  } catch {
    // Told as it stands.
  }
  const errors = opaFault.safeParse(parsed).data?.errors ?? [];
  if (errors.length === 0) return [problem(path, 'policy', `opa cannot take it: ${output.trim()}`)];
  return errors.map(({ message, location }) => ({
    file: path,
    line: location?.row ?? 1,
    column: location?.col ?? 1,
    code: 'policy',
    message: `${message.trim()} (opa)`,
  }));
}

/**
 * Looks at a detector without running it: that it is of the package that its file's name gives, finds something, reads
 * the facts by names that stand there and nothing else, and says how far back it looks where it reads of use. Throws
 * OpaError.
 */
export async function examineDetector(opa: Opa, own: OwnDetector): Promise<Examined> {
  let modules: Awaited<ReturnType<typeof parsePolicies>>;
  try {
    modules = await parsePolicies(opa, new Map([[own.path, own.source]]));
  } catch (error) {
    if (!(error instanceof BundleError)) throw error;
    // Behind what could not be read stands what opa says of it.
    const output = error.message.slice(Math.max(0, error.message.indexOf('{')));
    return { problems: faultsOf(output, own), hasWindow: false };
  }
  const { found, definitions, modules: read } = walkModules(modules);
  const problems: Problem[] = [];
  const wanted = packageOf(own);
  const [module] = read;
  if (module === undefined || module.prefix !== `${wanted}.`) {
    const got = module?.prefix.slice(0, -1) || 'none';
    const wrong = problem(own.path, 'policy', `the package must be ${wanted}, got ${got}`);
    return { problems: [wrong], hasWindow: false };
  }
  const defines = (rule: string) => definitions.some(({ path }) => path.length === 4 && path.at(-1) === rule);
  const hasWindow = defines('window_days');
  if (!defines('finding'))
    problems.push(problem(own.path, 'policy', 'a detector must have a rule named "finding"'));
  for (const one of listOf(module.tree.imports)) {
    const path = isMapping(one) ? (nameOf(one.path) ?? '?') : '?';
    if (!isLanguageImport(path))
      problems.push(problem(own.path, 'policy', `import ${path}: a detector imports nothing`));
  }
  const rootRead = createRootRead();
  for (const at of found) {
    const refuse = (message: string) => problems.push(problemAt(at, message));
    const read = rootRead(at.node);
    if (read === 'renamed') refuse(`nothing else may be named ${String(at.node.value)}`);
    else if (read?.root === 'data') {
      if (read.path.slice(0, 3).map(constant).join('.') !== wanted)
        refuse(`a detector is given the facts in input and no data, expected data.${wanted} at most`);
    } else if (read?.root === 'input') {
      const field = constant(read.path[0]);
      if (field === null) refuse('a detector reads input by a field that stands there, as input.grant.api');
      if (field === 'usage' && !hasWindow)
        refuse('a detector that reads of use must say in "window_days" how many days it looks back on');
    }
  }
  const types = problems.length > 0 ? [] : await typesOf(own, opa);
  return { problems: sortProblems([...problems, ...types]), hasWindow };
}
