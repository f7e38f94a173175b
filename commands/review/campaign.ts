import { isDay } from '../../bundle/format/times.ts';
import { adminTokenOf } from '../arguments/adminToken.ts';
import { type ForgeOptions, forgeIn } from '../arguments/forgeTarget.ts';
import { instantAsOf } from '../arguments/instantAsOf.ts';
import { UsageError } from '../arguments/usageError.ts';
import { abortOnStop } from '../stopSignal.ts';
import { folderOf, print, printJson, progress } from '../terminal.ts';

type Options = ForgeOptions & {
  root: string;
  decisions: string[];
  usage: string[];
  adminTokenEnv: string;
  campaign: string;
  scope?: string;
  due?: string;
  asOf?: string;
  apply?: true;
  json?: true;
  recommend?: true;
  explain?: string;
};

/** `review --campaign`. */
export async function runCampaign(options: Options): Promise<void> {
  const { isCampaignName } = await import('../../reviewer/campaign/frozen.ts');
  const { parseScope } = await import('../../reviewer/campaign/scope.ts');
  const { reportText } = await import('../../reviewer/campaign/reportText.ts');
  const { campaign } = await import('../../reviewer/campaign.ts');
  const { campaign: name, scope: text, due } = options;
  if (options.explain !== undefined || options.recommend)
    throw new UsageError('--campaign asks about all grants: --explain and --recommend are of a review');
  if (!isCampaignName(name))
    throw new UsageError(
      `--campaign must be a name like 2026-Q4 (letters, digits, "-", "_", "."), got "${name}"`,
    );
  const scope = text === undefined ? null : parseScope(text);
  if (text !== undefined && scope === null)
    throw new UsageError(
      `--scope must be api:NAME, tier:NAME, owner:user:LOGIN, owner:group:NAME or group:NAME, got "${text}"`,
    );
  if (due !== undefined && !isDay(due))
    throw new UsageError(`--due must be a day like 2026-12-31, got "${due}"`);
  const signal = abortOnStop();
  const isNamed = options.repository !== undefined && Boolean(process.env[options.tokenEnv]);
  const { report, results, writes, error } = await campaign({
    ...{ root: folderOf(options.root), decisions: options.decisions, usage: options.usage },
    adminToken: adminTokenOf(options),
    asOfMs: instantAsOf(options),
    nowMs: Date.now(),
    name,
    scope: text === undefined || scope === null ? null : { text, scope },
    ...(due !== undefined && { due }),
    ...((options.apply || isNamed) && { forge: await forgeIn(options) }),
    ...(options.apply && { apply: true }),
    ...{ signal, progress },
  });
  const done = results.filter(({ action }) => action !== 'unchanged');
  if (options.json)
    printJson({
      ...report,
      ...(options.apply && { writes, actions: done.map(({ grants: _, ...one }) => one) }),
    });
  else {
    print(reportText(report));
    if (!options.apply) print('Nothing was changed: with --apply, it is opened or gone on with.\n');
  }
  if (error !== null) throw error;
}
