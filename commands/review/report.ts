import { resolve } from 'node:path';
import type { Command } from 'commander';
import { dayMs, isDay } from '../../bundle/format/times.ts';
import { adminTokenOf, adminTokenOption } from '../arguments/adminToken.ts';
import { durationOf } from '../arguments/duration.ts';
import { type ForgeOptions, forgeIn, forgeOptions } from '../arguments/forgeTarget.ts';
import { UsageError } from '../arguments/usageError.ts';
import { abortOnStop } from '../stopSignal.ts';
import { example, folderOf, print, printJson, progress, readKey } from '../terminal.ts';

type Options = ForgeOptions & {
  root: string;
  revision: string;
  campaign?: string;
  reviewAccount?: string;
  since?: string;
  until?: string;
  decisions: string[];
  usage: string[];
  adminTokenEnv: string;
  gateway: string[];
  out?: string;
  key?: string;
  verify?: string;
  json?: true;
};

export function report(program: Command): void {
  example(
    forgeOptions(
      program
        .command('report')
        .description(
          'Write the evidence of a period, or of a campaign, for an audit: a page, tables as CSV and JSON, and a manifest; or check one.',
        )
        .option('--root <folder>', 'the repository with grants/', '.')
        .option('--revision <revision>', 'the branch that is enforced', 'HEAD')
        .option(
          '--campaign <name>',
          'of this campaign instead, as the forge has it: as of its end, or of now where it is not finished',
        )
        .option(
          '--since <time>',
          'where the period begins: a date, an instant, or a time like 90d before its end (default: 90d)',
        )
        .option(
          '--until <time>',
          'where it ends: a date, that day included, or an instant; now, when left out',
        )
        .option('--decisions <paths...>', 'decision logs: folders, files or globs', ['.grantgate/decisions'])
        .option('--usage <places...>', "gateways' daily roll-ups, as for review", ['.grantgate/usage'])
        .option('--gateway <urls...>', 'admin addresses of gateways, to say what each has loaded', [])
        .addOption(adminTokenOption())
        .option(
          '--review-account <login>',
          "the account that the review runs by, as GitHub names it (`NAME[bot]` of an App): what it wrote is believed; the token's own, when left out",
        )
        .option('--out <folder>', 'the folder that it is written to: a new one, or an empty one')
        .option('--key <file>', 'the private key that signs the manifest; with --verify the public one')
        .option('--verify <folder>', 'check that a report is as it was written')
        .option('--json', 'print what was written or found as JSON'),
    ).action(runReport),
    'grantgate report --since 2026-07-01 --until 2026-09-30 --decisions decisions/ --out q3/ --key signing.pem',
    'grantgate report --campaign 2026-Q3 --repository acme/access --decisions decisions/ --out campaign/',
    'grantgate report --verify q3/ --key signing.pub.pem',
  );
}

async function runReport(options: Options): Promise<void> {
  if (options.verify !== undefined) return runVerify(options.verify, options);
  if (options.out === undefined)
    throw new UsageError('--out is missing: the folder that the report is written to');
  const { writePack } = await import('../../reviewer/report/pack.ts');
  const key =
    options.key === undefined
      ? null
      : (await import('../../bundle/archive/readSigningKey.ts')).readSigningKey(readKey(options.key));
  const nowMs = Date.now();
  const { pack, about, doubted } = await (options.campaign === undefined
    ? packOfPeriod(options, nowMs)
    : packOfCampaign(options.campaign, options));
  await writePack(resolve(options.out), pack, about, key);
  if (options.json) return printJson({ ...about, files: pack.size, out: resolve(options.out) });
  print(
    `${pack.size} files from ${about.from} to ${about.until} are in ${options.out}; open ${options.out.replace(/\/$/, '')}/index.html`,
  );
  if (doubted.length > 0)
    print(
      `Records of ${doubted.join(', ')} are missing or not as they were written, so use and enforcement are in doubt: records.csv says what is wrong.`,
    );
  if (options.until !== undefined && Date.parse(about.until) === Math.floor(nowMs / 1000) * 1000)
    print(`The period is not over: this is how it stands at ${about.until}.`);
  if (about.campaign?.finished === false)
    print(`The campaign ${about.campaign.name} is not finished: this is how it stands at ${about.until}.`);
}

/** An auditor's token is not the review's. */
async function forgeOf(options: Options) {
  const { reviewAccount: account } = options;
  return { ...(await forgeIn(options)), ...(account !== undefined && { account }) };
}

async function packOfPeriod(options: Options, nowMs: number) {
  const { periodReport } = await import('../../reviewer/periodReport.ts');
  const adminToken = adminTokenOf(options);
  return periodReport({
    root: folderOf(options.root),
    ...{ revision: options.revision, period: periodOf(options, nowMs), nowMs },
    ...{ decisions: options.decisions, usage: options.usage, adminToken, signal: abortOnStop(), progress },
    ...(options.repository !== undefined && { forge: await forgeOf(options) }),
    gateways: await askGateways(options.gateway, adminToken),
  });
}

async function packOfCampaign(name: string, options: Options) {
  const { isCampaignName } = await import('../../reviewer/campaign/frozen.ts');
  const { campaignReport } = await import('../../reviewer/campaignReport.ts');
  if (!isCampaignName(name))
    throw new UsageError(`--campaign must be the name of a campaign, like 2026-Q4, got "${name}"`);
  if (options.since !== undefined || options.until !== undefined)
    throw new UsageError('--since and --until are of a period; a campaign has its own');
  return campaignReport({
    ...{ name, forge: await forgeOf(options), decisions: options.decisions, signal: abortOnStop(), progress },
    gateways: await askGateways(options.gateway, adminTokenOf(options)),
    asOf: Math.floor(Date.now() / 1000),
  });
}

/** Seconds since 1970; what is still to come is no part of it. Throws UsageError. */
export function periodOf(
  { since = '90d', until }: Pick<Options, 'since' | 'until'>,
  nowMs: number,
): { from: number; to: number } {
  const msOf = (text: string, option: string, isEnd: boolean) => {
    const day = isDay(text);
    const ms = day || /T.*(?:Z|[+-]\d\d:\d\d)$/.test(text) ? Date.parse(text) : Number.NaN;
    if (Number.isNaN(ms))
      throw new UsageError(
        `${option} must be a date like 2026-09-30 or an instant like 2026-09-30T12:00:00Z, got "${text}"`,
      );
    return isEnd && day ? ms + dayMs : ms;
  };
  const toMs = until === undefined ? nowMs : Math.min(nowMs, msOf(until, '--until', true));
  const fromMs = /^\d+[a-z]+$/.test(since)
    ? toMs - durationOf(since, '--since', 3660 * dayMs)
    : msOf(since, '--since', false);
  if (fromMs >= toMs) throw new UsageError('--since must be before --until, and before now');
  return { from: Math.floor(fromMs / 1000), to: Math.floor(toMs / 1000) };
}

async function askGateways(urls: readonly string[], token: string | null) {
  const { askRevision } = await import('../../gateway/admin/askRevision.ts');
  return Promise.all(
    urls.map(async (url) => {
      const answer = await askRevision(url, { token, timeoutMs: 10_000 });
      if (!('facts' in answer))
        return { url, revision: null, grants: null, digest: null, error: answer.error };
      const { revision, grants, digest } = answer.facts;
      return { url, revision, grants, digest, error: null };
    }),
  );
}

async function runVerify(folder: string, { key, json }: Options): Promise<void> {
  const { verifyPack } = await import('../../reviewer/report/pack.ts');
  const { readVerifyKey } = await import('../../bundle/archive/keys.ts');
  const found = await verifyPack(folderOf(folder), key === undefined ? null : readVerifyKey(readKey(key)));
  if (json) return printJson(found);
  print(
    `${found.files} files are as they were written${found.signed ? ', and signed with this key' : '; give --key to check who wrote them'}: ${found.campaign === undefined ? '' : `campaign ${found.campaign.name}${found.campaign.finished ? '' : ' (not finished)'}, `}${found.from} to ${found.until}, population ${found.population}`,
  );
}
