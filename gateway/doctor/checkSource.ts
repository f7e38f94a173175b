import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Bundle } from '../../bundle/archive/bundle.ts';
import { formatRelease, isOlder } from '../../bundle/archive/release.ts';
import { counted } from '../../bundle/format/counted.ts';
import { messageOf } from '../../bundle/format/messageOf.ts';
import { toTheMinute } from '../../bundle/format/times.ts';
import { evaluateWasm } from '../decision/evaluator.ts';
import { isOver } from '../decision/lapse.ts';
import { createPrepare } from '../decision/prepare.ts';
import { openFloorFile } from '../load/floorFile.ts';
import { readLastGood } from '../load/lastGood.ts';
import { lastGoodName } from '../load/lastGoodName.ts';
import { parseSource, sourceName } from '../source/contract/parseSource.ts';
import { openGitMirror } from '../source/git/gitMirror.ts';
import { openSource, type SourceConfig } from '../source/openSource.ts';
import { type Finding, ok, problem, warning } from './finding.ts';
import { sourceAdvice } from './sourceAdvice.ts';

type Options = {
  /** The setting that names it. */
  check: string;
  source: SourceConfig;
  /** Null: it decides for ever on what it has. */
  maxStalenessMs: number | null;
  /** Whether what comes from Git can be compiled here. */
  compiles: boolean;
  now: () => number;
  signal: AbortSignal;
};

export type SourceChecked = { findings: Finding[]; upstreams: ReadonlyMap<string, string> };

/**
 * Fetches the newest bundle as the loader of a gateway does, into a folder of its own, and makes it ready to serve: then
 * nothing of a gateway that runs is touched.
 */
export async function checkSource(options: Options): Promise<SourceChecked> {
  const { check, source, compiles, now, signal } = options;
  const stateFolder = await mkdtemp(join(tmpdir(), 'grantgate-doctor-'));
  const none = new Map<string, string>();
  const address = parseSource(source.url);
  const name = sourceName(address);
  try {
    if (address.kind === 'git' && !compiles) {
      const { token, tls } = source;
      const own = { ...(token === undefined ? {} : { token }), ...(tls === undefined ? {} : { tls }) };
      const mirror = openGitMirror(address, { stateFolder, timeoutMs: 120_000, ...own });
      const { commit } = await mirror.fetch(signal);
      const message = `${name} is at ${commit.slice(0, 12)}, and was not compiled`;
      return { findings: [warning(check, message, 'see opa')], upstreams: none };
    }
    const opened = openSource({ ...source, stateFolder }, { evaluator: evaluateWasm });
    try {
      const found = await opened.next({ signal });
      if (found === null) throw new Error('the source shows nothing');
      const { bundle } = found;
      const { apis } = createPrepare()(bundle);
      const signed = address.kind === 'git' ? 'compiled' : 'signed by a known key';
      const kept = lastGoodName(opened, source);
      const findings = [
        ok(
          check,
          `${name}: release ${formatRelease(bundle)}, ${bundle.revision.slice(0, 12)}, ${counted(bundle.grants, 'grant')}, ${signed}`,
        ),
        ...(await standing(options, bundle, kept)),
      ];
      return { findings, upstreams: new Map([...apis].map(([api, { upstream }]) => [api, upstream])) };
    } finally {
      await opened.close();
    }
  } catch (error) {
    const reason = error instanceof Error && 'code' in error ? error.message : 'it cannot be read';
    const kept = await keptSentence(options, name, now());
    return { findings: [problem(check, `${name}: ${reason}${kept}`, sourceAdvice(error))], upstreams: none };
  } finally {
    await rm(stateFolder, { recursive: true, force: true });
  }
}

/** Whether it may come into force here, and for how long. */
async function standing({ check, source, now }: Options, bundle: Bundle, kept: string): Promise<Finding[]> {
  const findings: Finding[] = [];
  const floor = await openFloorFile(source.stateFolder, kept)
    .read()
    .catch(() => null);
  if (floor !== null && isOlder(bundle, floor))
    findings.push(
      problem(
        check,
        `it is older than release ${formatRelease(floor)}, which was in force here: it would be refused`,
        'publish a newer one; to go back on purpose, build with --rollback-from',
      ),
    );
  if (isOver(bundle, now()))
    findings.push(
      problem(
        check,
        `it was valid until ${bundle.validUntil}: nobody may decide by it`,
        'build and publish a newer one',
      ),
    );
  const reason = await readLastGood(source.stateFolder, kept).then(
    () => null,
    (error: unknown) => messageOf(error),
  );
  if (reason !== null)
    findings.push(
      warning(
        check,
        `${reason}: a start without the source would answer 503`,
        'see the owner of "state"; a start with the source puts it right',
      ),
    );
  return findings;
}

/** What a start without the source would do. */
async function keptSentence(
  { source, maxStalenessMs }: Options,
  name: string,
  nowMs: number,
): Promise<string> {
  const kept = await readLastGood(source.stateFolder, lastGoodName({ name }, source)).catch(() => null);
  if (kept === null) return '; nothing is kept here, so all callers would get 503';
  const untilMs = maxStalenessMs === null ? null : kept.confirmedMs + maxStalenessMs;
  const release = `; release ${formatRelease(kept)}, kept here,`;
  if (untilMs === null) return `${release} would serve on`;
  if (untilMs <= nowMs) return `${release} is older than "max_staleness": all callers would get 503`;
  return `${release} would serve until ${toTheMinute(untilMs / 1000)}`;
}
