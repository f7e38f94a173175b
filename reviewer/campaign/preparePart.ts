import { type Tree, type Files as TreeFiles, withFiles } from '../../bundle/git/tree.ts';
import type { Grant, Organisation } from '../../bundle/grants/organisation.ts';
import { assertValid, filesOf } from '../pulls/changes.ts';
import type { FileTexts, Mirror } from '../pulls/mirror.ts';
import type { WantedPart } from './announcePart.ts';
import type { Frozen } from './frozen.ts';
import { type PartMarker, packAnswers, unpackAnswers } from './marker.ts';
import { needsSecond } from './partReviewers.ts';
import { renderPart } from './renderPart.ts';
import { type Part, type Row, rowsOf } from './rows.ts';

/** The base as a run sees it. */
export type Base = {
  tree: Tree;
  organisation: Organisation;
  grants: ReadonlyMap<string, Grant>;
  /** When it is, in seconds since 1970. */
  asOf: number;
};

/** The base branch as parts are compared with it. */
export const baseOf = (tree: Tree, organisation: Organisation, asOf: number): Base => ({
  ...{ tree, organisation, asOf },
  grants: new Map(organisation.grants.map((grant) => [grant.id, grant])),
});

/** What people have answered so far. */
export type Said = Pick<PartMarker, 'answers' | 'handled' | 'unanswered' | 'anew'>;
export const nothingSaid: Said = { answers: [] };

export type Told = { rows: readonly Row[]; wanted: Omit<WantedPart, 'commit'> };

/** The rows and the text of a part. Pure. */
export function tellPart(frozen: Frozen, part: Part, said: Said, base: Base): Told {
  const { organisation, grants, asOf } = base;
  const answers = unpackAnswers(said.answers, part.entries.length);
  const rows = rowsOf(part, answers, said.unanswered, { frozen, organisation, grants, asOf });
  const marker: Omit<PartMarker, 'commit'> = {
    ...{ version: 1, campaign: frozen.name, owner: part.owner, answers: packAnswers(answers) },
    ...(said.handled !== undefined && { handled: said.handled }),
    ...(said.unanswered !== undefined && { unanswered: said.unanswered }),
    ...(said.anew !== undefined && { anew: said.anew }),
  };
  const own = renderPart(
    { frozen, part, rows, needsSecond: needsSecond(part, organisation) },
    JSON.stringify(marker).length,
  );
  const name = part.owner.length > 120 ? `${part.owner.slice(0, 119)}…` : part.owner;
  return { rows, wanted: { marker, own, title: `Access campaign ${frozen.name}: ${name}` } };
}

/** Whether anything is left to be merged. */
export const hasEdits = (rows: readonly Row[]): boolean => rows.some(({ edits }) => edits.length > 0);

/** The commit that carries the rows out, looked at before anybody sees it. Throws ReviewError `edit-failed`. */
export async function commitPart(
  { rows, wanted }: Told,
  frozen: Frozen,
  { tree, organisation }: Base,
  mirror: Mirror,
): Promise<string> {
  const files = await filesOf(
    rows.flatMap(({ edits }) => edits),
    { tree, organisation },
  );
  await checkCut(tree, organisation, files);
  const lines = rows.map(({ proposal, entry }) => `${proposal} ${entry.grant}`);
  return mirror.commit(files, `${wanted.title}\n\n${lines.join('\n')}\n`, Date.parse(frozen.opened) / 1000);
}

const isAccess = (path: string) => path.startsWith('grants/access/');

/** As if the whole repository were checked: files of grants that do not change have been, and are left out. */
async function checkCut(tree: Tree, { grants }: Organisation, files: FileTexts): Promise<void> {
  const cut: TreeFiles = {
    ...tree,
    entries: async () => (await tree.entries()).filter(({ path }) => !isAccess(path)),
  };
  const elsewhere = new Set(grants.filter(({ place }) => !files.has(place.file)).map(({ id }) => id));
  await assertValid(withFiles(cut, files), elsewhere);
}
