import { type GrantLine, readGrantLine } from '../../bundle/data/grantLine.ts';
import { changesOf } from '../../bundle/git/changesOf.ts';
import { decisionPath } from '../../bundle/policy/policies.ts';
import type { Decision } from '../decision/decision.ts';
import { createEvaluator, type Evaluator } from '../decision/evaluator.ts';
import { valueText } from '../revision/lineIndex.ts';
import { createSlices } from '../revision/slices.ts';
import type { Snapshot } from '../revision/snapshot.ts';
import { adviceFor } from './adviceFor.ts';
import { createDecideAsked } from './decideAsked.ts';
import type { ExplainedGrant, ExplainQuestion, Explanation, Files, Origin } from './explanation.ts';
import { grantSentence, lacksBesides } from './grantSentence.ts';
import { type GrantSource, grantSources, rolesOf, standingOf } from './grantSources.ts';
import { matchOperation } from './matchOperation.ts';

/**
 * Explains a decision by asking the policy itself: once with all the caller's grants, as the gateway does, and once
 * with each of them alone. Throws ExplainError when the question names what is not there.
 */
export async function explain(
  snapshot: Snapshot,
  asked: ExplainQuestion,
  files: Files | null,
): Promise<Explanation> {
  const revision = snapshot.revision === '' ? null : snapshot.revision;
  const { matched, candidates } = matchOperation(snapshot.apis, asked);
  if (matched === null) {
    const declared = candidates.map(
      ({ operation, method, address }) => `${operation} (${method} ${address})`,
    );
    return {
      ...{ revision, input: null, operation: null, allowed: false, reason: 'no-such-operation', grants: [] },
      ask: { sentence: `${asked.api} declares ${declared.join(', ')}.`, of: null, role: null, grant: null },
    };
  }
  const slices = createSlices(snapshot);
  const evaluator = createEvaluator(snapshot.wasm, decisionPath);
  const { identity, decision } = createDecideAsked({ snapshot, slices, evaluator })(asked, matched);
  const { input, result } = decision;
  const given = slices.given(slices.cut(asked.api, identity.subject, input.groups), input);
  const alone = judgeAlone(JSON.parse(Buffer.from(given).toString()) as Given, input, evaluator);
  const grants = await explainGrants(alone, decision, files);
  return {
    revision,
    input,
    operation: { operation: matched.operation, method: matched.method, address: matched.address },
    allowed: result.allow,
    reason: result.reason,
    grants,
    ...(snapshot.reads.documents !== undefined && {
      data: slices.entries(input).map(({ document: of, key, line }) => ({
        ...{ document: of, key },
        value: line === null ? null : (JSON.parse(valueText(line)) as unknown),
      })),
    }),
    ask: result.allow ? null : await adviceOn(decision, grants, snapshot, files),
  };
}

/** What the policy is given as `data`. */
type Given = { grants: Record<string, Record<string, unknown>> };
/** A grant of the caller, and what the policy says when there is no other. */
type Alone = { principal: string; entry: GrantLine; holds: boolean; reason: string };

/** Those that hold come first. */
function judgeAlone(document: Given, input: Decision['input'], evaluator: Evaluator): Alone[] {
  const { api } = input;
  const held = Object.entries(document.grants[api] ?? {}).flatMap(([principal, entries]) =>
    readGrantLine(entries).map((entry) => ({ principal, entry })),
  );
  const alone = held.map(({ principal, entry }) => {
    const data = { ...document, grants: { [api]: { [principal]: [entry] } } };
    const answer = evaluator.evaluate(input, data) as { allow?: unknown; reason?: unknown } | undefined;
    const reason = typeof answer?.reason === 'string' ? answer.reason : 'decision-undefined';
    return { principal, entry, holds: answer?.allow === true, reason };
  });
  return alone.sort((a, b) => Number(b.holds) - Number(a.holds) || (a.entry.id < b.entry.id ? -1 : 1));
}

async function explainGrants(
  alone: readonly Alone[],
  { input, result }: Decision,
  files: Files | null,
): Promise<ExplainedGrant[]> {
  const ids = alone.map(({ entry }) => entry.id);
  const sources = files === null ? null : await grantSources(files.tree, input.api, ids);
  const isDeciding = ({ entry, reason }: Alone) =>
    result.allow ? result.grants.includes(entry.id) : reason === result.reason;
  const explained: ExplainedGrant[] = [];
  for (const grant of alone) {
    const { principal, entry, holds, reason } = grant;
    const source = sources?.get(entry.id);
    explained.push({
      id: entry.id,
      principal,
      holds,
      reason,
      sentence: grantSentence(entry, input, reason, holds),
      also: holds ? [] : lacksBesides(entry, input, reason),
      operations: entry.operations,
      origin: source && files ? await originOf(source, files, isDeciding(grant)) : null,
    });
  }
  return explained;
}

async function adviceOn(
  { input, result, factFault }: Decision,
  grants: readonly ExplainedGrant[],
  { apis }: Snapshot,
  files: Files | null,
): Promise<Explanation['ask']> {
  const { reason } = result;
  const api = apis.get(input.api);
  const operations = new Set(Object.keys(api?.operations ?? {}));
  return adviceFor({
    ...{ reason, fact: factFault ?? null, input, owner: api?.owner ?? '', grants },
    roles: files === null ? null : await rolesOf(files.tree, input.api, operations),
    standing:
      files !== null && reason === 'principal-inactive' ? await standingOf(files.tree, input.subject) : null,
  });
}

async function originOf(source: GrantSource, files: Files, deciding: boolean): Promise<Origin> {
  const { entry, file, first, last } = source;
  const changes =
    files.history && deciding
      ? await changesOf(files.tree.root, files.revision, {
          ...{ first, last },
          file: `${files.tree.within}${file}`,
        })
      : { added: null, changed: null };
  return {
    file,
    line: first,
    role: entry.role ?? null,
    reason: entry.reason,
    owner: entry.owner,
    ...changes,
  };
}
