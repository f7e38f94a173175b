import { readdirSync, readFileSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, extname, join } from 'node:path';
import type { z } from 'zod';
import { BundleError } from '../bundleError.ts';
import { cacheFolder } from '../cacheFolder.ts';
import { mostWholeBytes } from '../data/documentLimits.ts';
import { canonicalJson, compareCodePoints } from '../format/canonicalJson.ts';
import { sha256 } from '../format/digest.ts';
import { formatProblem } from '../yaml/problem.ts';
import { assertPaths, buildPolicy, compilePolicy } from './compilePolicy.ts';
import type { KnownDocuments } from './examine/documentReads.ts';
import { examinePolicy } from './examine/examinePolicy.ts';
import { type PolicyReads, policyReads, sourcesDigest } from './examine/policyReads.ts';
import type { Opa } from './opa.ts';
import { decisionPath } from './policies.ts';

const examiner = join(import.meta.dirname, 'examine');
/** The code that examines, in the names of what is kept: another version of it judges anew. */
const version = sha256(
  readdirSync(examiner)
    .filter((name) => name.endsWith(extname(import.meta.filename)))
    .sort(compareCodePoints)
    .map((name) => readFileSync(join(examiner, name), 'utf8'))
    .join(),
);

const keptReads = policyReads.omit({ wasm: true });

/** Examines; what it finds is kept in `cache`, as what a compiler makes is. `built` is what opa made of it on the way. */
async function readsOf(
  opa: Opa,
  policies: ReadonlyMap<string, Buffer>,
  cache: string,
  documents: KnownDocuments,
): Promise<{ examined: z.output<typeof keptReads>; built: Map<string, Buffer> | null }> {
  const digest = sourcesDigest(policies);
  const names = canonicalJson([
    ...[...policies].map(([name, source]) => [name, sha256(source)]),
    ...[...documents].map(([name, bytes]) => [name, bytes <= mostWholeBytes]),
  ]);
  const file = join(cache, `${sha256([opa.version, version, names].join('\n'))}.reads.json`);
  const kept = keptReads.safeParse(
    await readFile(file, 'utf8')
      .then(JSON.parse)
      .catch(() => null),
  );
  if (kept.success && kept.data.sources[0] === digest) return { examined: kept.data, built: null };
  const { problems, reads } = await examinePolicy(opa, policies, documents);
  if (problems.length > 0) throw new BundleError('policy-invalid', problems.map(formatProblem).join('\n'));
  const built = await buildPolicy(opa, policies, decisionPath);
  const rego = new Map([...built].filter(([name]) => name !== 'policy.wasm'));
  const examined = { ...reads, sources: [digest, sourcesDigest(rego)] };
  // A cache that cannot be written costs time, nothing else.
  await mkdir(dirname(file), { recursive: true })
    .then(() => writeFile(file, canonicalJson(examined)))
    .catch(() => {});
  return { examined, built };
}

/**
 * The compiled decision of a policy that reads nothing but what a decision gets, and what that is. Throws BundleError
 * `policy-invalid` that names rule and line of each place that may read more, or with opa's message; OpaError. `cache`
 * is a folder; the user's when left out. `documents` are the data documents that it may read.
 */
export async function admitPolicy(
  opa: Opa,
  policies: ReadonlyMap<string, Buffer>,
  cache: string = join(cacheFolder(), 'policies'),
  documents: KnownDocuments = new Map(),
): Promise<{ reads: PolicyReads; wasm: Buffer }> {
  assertPaths(policies);
  const { examined, built } = await readsOf(opa, policies, cache, documents);
  const wasm = await compilePolicy(opa, policies, decisionPath, { cache, built });
  return { reads: { ...examined, wasm: sha256(wasm) }, wasm };
}
