import type { Problem } from '../bundleError.ts';
import type { Files } from '../git/tree.ts';
import { sortProblems } from '../yaml/problem.ts';
import { fold, type Spelling, spell } from './names.ts';
import type { Api, Grant, Organisation } from './organisation.ts';
import { readGrants } from './readGrants.ts';
import { resolveApis } from './resolveApis.ts';
import { resolveDirectory } from './resolveDirectory.ts';
import { type Known, resolveGrants } from './resolveGrants.ts';
import { reviewReferences } from './reviewReferences.ts';
import { type ReviewRules, reviewFile } from './reviewRules.ts';

/** Every rule at its default, as when grants/review.yaml is not there. */
const defaultRules = (): ReviewRules => reviewFile.parse({});

export type Loaded = {
  organisation: Organisation | null;
  readable: Organisation | null;
  problems: Problem[];
  warnings: Problem[];
};

/**
 * Reads and checks everything under grants/. The organisation is null exactly when there are problems; they come all
 * at once, sorted by place. Neither depends on the clock. `elsewhere` are ids of grants in files that the tree was cut
 * down by. `warnings` stop nothing; `readable` is what could be read beside the problems, null where nobody can tell from it
 * who is known. Throws what reading the tree throws (GitError, TreeError).
 */
export async function load(tree: Files, elsewhere?: { has(id: string): boolean }): Promise<Loaded> {
  const read = await readGrants(tree);
  const { apis, broken, problems: apiProblems, warnings: unsorted } = resolveApis(read);
  const warnings = sortProblems(unsorted);
  const { directory, spelling, problems: directoryProblems } = resolveDirectory(read);
  const networks = new Map(Object.entries(read.networks?.value ?? {}));
  const known: Known = {
    apis,
    broken,
    services:
      read.services !== null && read.services.value === undefined
        ? undefined
        : { has: (name) => spelling.has(fold(`service:${name}`)) },
    networks:
      read.networks !== null && read.networks.value === undefined ? undefined : new Set(networks.keys()),
  };
  const { grants, problems: grantProblems } = resolveGrants(read.access, known);
  const own = new Set(grants.map(({ id }) => id));
  const ids = read.access.every(({ value }) => value !== undefined)
    ? { has: (id: string) => own.has(id) || (elsewhere?.has(id) ?? false) }
    : undefined;
  const problems = sortProblems([
    ...read.problems,
    ...apiProblems,
    ...directoryProblems,
    ...grantProblems,
    ...reviewReferences(read, known, ids),
  ]);
  const review = read.review?.value ?? defaultRules();
  const named = new Map([...apis].map(([name, api]) => [name, spelledApi(api, spelling)]));
  const spelled = grants.map((grant) => spelledGrant(grant, spelling));
  const readable = { apis: named, grants: spelled, ...directory, networks, review };
  const isWhole =
    directoryProblems.length === 0 &&
    [...read.directories, read.services, read.review].every(
      (file) => file === null || file.value !== undefined,
    );
  return {
    organisation: problems.length > 0 ? null : readable,
    readable: isWhole ? readable : null,
    problems,
    warnings,
  };
}

const spelledApi = (api: Api, spelling: Spelling): Api => ({ ...api, owner: spell(spelling, api.owner) });

/**
 * Whoever is named is named as the directory does, so that names are equal where they are the same. Mostly they are
 * already, and the grant is the one that was read.
 */
function spelledGrant(grant: Grant, spelling: Spelling): Grant {
  const { review } = grant;
  const [principal, owner] = [spell(spelling, grant.principal), spell(spelling, grant.owner)];
  const by = review && spell(spelling, review.by);
  if (principal === grant.principal && owner === grant.owner && by === review?.by) return grant;
  return { ...grant, principal, owner, ...(review && { review: { ...review, by: by ?? review.by } }) };
}
