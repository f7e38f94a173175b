import { z } from 'zod';
import { BundleError } from '../../bundle/bundleError.ts';
import { compileDetector, detectorPath } from '../../bundle/detectors/compileDetector.ts';
import { examineDetector } from '../../bundle/detectors/examineDetector.ts';
import { type OwnDetector, readDetectors } from '../../bundle/detectors/readDetectors.ts';
import type { Tree } from '../../bundle/git/tree.ts';
import { type OwnDetectorName, ownDetector } from '../../bundle/grants/names.ts';
import type { Grant } from '../../bundle/grants/organisation.ts';
import type { Opa } from '../../bundle/policy/opa.ts';
import { createAskPolicy, unusable } from './askPolicy.ts';
import type { Facts } from './factsOf.ts';

const line = z
  .string()
  .min(1)
  .max(500)
  .regex(/^[^\p{Cc}\p{Bidi_Control}]*$/u, 'must be one line of plain text');
/** Rego has no built-in here that makes text of a number, so a sentence may come in parts. */
const sentence = z
  .union([z.string(), z.array(z.union([z.string(), z.number()])).max(50)])
  .transform((given) => (typeof given === 'string' ? given : given.join(' ')))
  .pipe(line);
const said = { severity: z.enum(['low', 'medium', 'high', 'critical']), sentence };
const answer = z.discriminatedUnion('action', [
  z.strictObject({ action: z.enum(['revoke', 'suspend', 'recertify']), ...said }),
  z.strictObject({ action: z.literal('narrow'), operations: z.array(z.string()).min(1), ...said }),
]);
const windowDays = z.number().gt(0).max(3660);

/** What a detector of one's own says of a grant; with `narrow`, the operations that are left of it. */
export type OwnWord = z.output<typeof answer>;

/** What it was told; of use its own window, in which nothing else is to be seen. */
export type OwnFacts = Omit<Facts, 'thresholds'> & { thresholds: object; usage?: unknown };

export type OwnJudge = {
  name: OwnDetectorName;
  path: string;
  /** Whether it looks at use; then it finds nothing where it does not say how far back. */
  hasWindow: boolean;
  factsOf(facts: Facts, usage?: unknown): OwnFacts;
  /** How many days it looks back on; null where it looks at no use of the grant. Throws ReviewError `policy-undefined`. */
  windowDays(grant: Grant, facts: OwnFacts): number | null;
  /** Throws ReviewError `policy-undefined`, which names its file and the grant. */
  find(grant: Grant, facts: OwnFacts): OwnWord | null;
};

/** One that cannot be asked: what it would find is not looked for. `message` begins with file, line and column. */
export type BrokenDetector = { detector: OwnDetectorName; message: string };

/**
 * Makes the repository's own detectors ready to be asked, each compiled apart from all others, so that none can speak
 * for another and one that is broken is broken alone. Throws OpaError.
 */
export async function openOwnDetectors(
  opa: Opa,
  tree: Tree,
): Promise<{ judges: OwnJudge[]; broken: BrokenDetector[] }> {
  const { own, misplaced } = await readDetectors(tree);
  const judges: OwnJudge[] = [];
  const broken: BrokenDetector[] = [];
  const formatFault = ({ file, line: at, column, message }: (typeof misplaced)[number]['problem']) =>
    `${file}:${at}:${column}: ${message}`;
  for (const { name, problem } of misplaced)
    broken.push({ detector: ownDetector.catch(nameless).parse(name), message: formatFault(problem) });
  for (const one of own) {
    const name = ownDetector.parse(one.name);
    const { problems, hasWindow } = await examineDetector(opa, one);
    const [first] = problems;
    if (first !== undefined) {
      broken.push({ detector: name, message: formatFault(first) });
      continue;
    }
    try {
      const wasm = await compileDetector(opa, one);
      judges.push(judgeOf(one, { name, hasWindow }, await WebAssembly.compile(new Uint8Array(wasm))));
    } catch (error) {
      if (!(error instanceof BundleError)) throw error;
      broken.push({ detector: name, message: `${one.path}:1:1: ${error.message}` });
    }
  }
  return { judges, broken };
}

/** Stands for a file whose name is none of a detector. */
const nameless = ownDetector.parse('nameless');

function judgeOf(
  { path }: OwnDetector,
  known: Pick<OwnJudge, 'name' | 'hasWindow'>,
  module: WebAssembly.Module,
): OwnJudge {
  const askPolicy = createAskPolicy(module, detectorPath, path);
  const ask = <T>(grant: Grant, input: object, form: z.ZodType<T>): T | null =>
    askPolicy(input, z.array(form).max(1), grant.id)[0] ?? null;
  return {
    ...known,
    path,
    factsOf: ({ thresholds, ...facts }, usage) => ({
      ...facts,
      thresholds: { ...thresholds, own: thresholds.own[known.name] ?? {} },
      ...(usage !== undefined && { usage }),
    }),
    windowDays: (grant, facts) =>
      known.hasWindow ? ask(grant, { ...facts, asks: 'window' }, windowDays) : null,
    find(grant, facts) {
      const word = ask(grant, { ...facts, asks: 'finding' }, answer);
      if (word?.action !== 'narrow') return word;
      const left = new Set(word.operations);
      const wrong = word.operations.find((operation) => !grant.covers.includes(operation));
      if (wrong !== undefined || left.size >= grant.covers.length)
        throw unusable(
          path,
          wrong === undefined
            ? 'it narrows to all that the grant gives'
            : `it narrows to ${JSON.stringify(wrong.slice(0, 80))}, which the grant does not give`,
          { grant: grant.id },
        );
      return { ...word, operations: [...left].sort() };
    },
  };
}
