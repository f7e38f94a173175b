import type { Problem } from './bundleError.ts';
import { readDocuments } from './documents/readDocuments.ts';
import type { Tree } from './git/tree.ts';
import { jsonSchemas } from './grants/jsonSchemas.ts';
import { load } from './grants/load.ts';
import { factTypes } from './knowsFacts.ts';
import { policyTypes, typeFile } from './policy/checkTypes.ts';
import { examinePolicy } from './policy/examine/examinePolicy.ts';
import { findOpa } from './policy/opa.ts';
import { isBuiltIn, readPolicies } from './policy/policies.ts';

type Schemas = {
  /** Path → text. */
  files: ReadonlyMap<string, string>;
  /** What keeps those of policies from being told; none of them is among the files then. */
  problems: readonly Problem[];
};

/**
 * The JSON Schemas of a repository for editors: of its files (`grants/schema/`), and of all that its policies may read
 * (`policies/schema/`), facts and data documents of its own included. opa is needed where it has policies. Throws
 * BundleError `policy-invalid`, OpaError, and what reading the tree throws.
 */
export async function editorSchemas(tree: Tree, options: Parameters<typeof findOpa>[0]): Promise<Schemas> {
  const files = new Map([...jsonSchemas()].map(([name, text]) => [`grants/schema/${name}`, text]));
  const { organisation, problems } = await load(tree);
  const { schemas, sizes, problems: wrong } = await readDocuments(tree);
  if (organisation === null || wrong.length > 0) return { files, problems: [...problems, ...wrong] };
  const policies = await readPolicies(tree, 'authz');
  const reads = (await isBuiltIn(policies, 'authz'))
    ? []
    : (await examinePolicy(await findOpa(options), policies, sizes)).reads.documents;
  for (const [part, schema] of await policyTypes({ facts: factTypes(organisation), schemas }, reads))
    files.set(`policies/schema/${typeFile(part)}.json`, `${JSON.stringify(schema, null, 2)}\n`);
  return { files, problems: [] };
}
