import type { Command } from 'commander';
import type { GrantRequest } from '../../reviewer/requests/requestGrant.ts';
import { type ForgeOptions, forgeIn, forgeOptions } from '../arguments/forgeTarget.ts';
import { issueNumber } from '../arguments/issueNumber.ts';
import { UsageError } from '../arguments/usageError.ts';
import { abortOnStop } from '../stopSignal.ts';
import { example, folderOf, print, printJson } from '../terminal.ts';
import { actionText } from './actionText.ts';
import { assertOneWay, withoutTexts, writeOrShow } from './writeOrShow.ts';

type Options = ForgeOptions & {
  root: string;
  api?: string;
  role?: string;
  operations?: string[];
  for?: string;
  reason?: string;
  ticket?: string;
  principal?: string;
  owner?: string;
  emergency?: true;
  issue?: string;
  write?: true;
  apply?: true;
  json?: true;
};

export function request(program: Command): void {
  example(
    forgeOptions(
      program
        .command('request')
        .description(
          'Ask for access with an end: shows what it gives, the smallest role that would do, who may approve.',
        )
        .option('--root <folder>', 'the repository with grants/', '.')
        .option('--api <name>', 'the API')
        .option('--role <name>', 'the role of that API')
        .option('--operations <names...>', 'or only these operations of it')
        .option('--for <time>', 'for how long: 8h, 7d, or until a date or instant')
        .option('--reason <text>', 'what it is for')
        .option('--ticket <text>', 'where it is written down')
        .option(
          '--principal <name>',
          'who is to have it: user:LOGIN, group:NAME or service:NAME; with --apply whose token it is, when left out',
        )
        .option('--owner <name>', 'who answers for it in reviews; the owner of the API, when left out')
        .option(
          '--emergency',
          'merge it at once, for whoever asks, as review.yaml allows; attested afterwards',
        )
        .option('--issue <number>', 'ask for what an issue made by the form asks for; with --apply')
        .option('--write', 'write the file')
        .option('--apply', 'open a pull request on the forge, from the branch that is enforced')
        .option('--json', 'print what was made as JSON'),
    ).action(runRequest),
    'grantgate request --api orders --operations getOrder --for 7d --reason "Refund of order 811" --principal user:ann@example.com',
    'GITHUB_TOKEN=… grantgate request --api orders --role editor --for 4h --reason "Queue is stuck" --emergency --apply --repository example/access',
  );
}

async function runRequest(options: Options): Promise<void> {
  assertOneWay(options);
  if (options.issue !== undefined) return askForIssue(issueNumber(options.issue, '--issue'), options);
  const asOf = Math.floor(Date.now() / 1000);
  const asked = await askedBy(options, asOf);
  return options.apply ? propose(asked, asOf, options) : requestHere(asked, asOf, options);
}

type Asked = Omit<GrantRequest, 'principal'>;

/** What the options ask for; `asOf`: seconds since 1970. Throws UsageError. */
async function askedBy(options: Options, asOf: number): Promise<Asked> {
  const { untilOf } = await import('../../reviewer/requests/untilOf.ts');
  const { role, operations, ticket, owner } = options;
  const must = (name: 'api' | 'for' | 'reason') => {
    const given = options[name];
    if (given === undefined) throw new UsageError(`--${name} is missing`);
    return given;
  };
  if ((role === undefined) === (operations === undefined))
    throw new UsageError('give --role or --operations');
  return {
    api: must('api'),
    needs: role === undefined ? { operations: operations ?? [] } : { role },
    until: untilOf(must('for'), asOf),
    reason: must('reason'),
    ...(ticket !== undefined && { ticket }),
    ...(owner !== undefined && { owner }),
    emergency: options.emergency === true,
  };
}

async function propose(asked: Asked, asOf: number, options: Options): Promise<void> {
  const { proposeRequest } = await import('../../reviewer/requests/proposeRequest.ts');
  const { againText, requestText } = await import('../../reviewer/requests/requestProposal.ts');
  const { principal } = options;
  const { forge, signal } = await openForgeOf(options);
  const login = await forge.whoAmI();
  if (login.endsWith('[bot]') && (principal === undefined || asked.emergency))
    throw new UsageError('the token is an app, which is nobody: say who is to have it (--principal)');
  const { requested, action, url, earlier } = await proposeRequest(
    forge,
    { ...asked, ...(principal !== undefined && { principal }) },
    { asOf, login, signal },
  );
  if (options.json) printJson({ action, url, earlier, ...withoutTexts(requested) });
  else print(`${requestText(requested)}${url} ${actionText(action)}\n`);
  const again = againText(earlier);
  if (again !== null) process.stderr.write(`grantgate: ${again}\n`);
  if (asked.emergency && action !== 'merged') {
    process.stderr.write(`grantgate: the forge does not let it merge; somebody must merge ${url}\n`);
    process.exitCode = 1;
  }
}

async function requestHere(
  asked: Asked,
  asOf: number,
  { root: folder, principal, write, json }: Options,
): Promise<void> {
  if (principal === undefined) throw new UsageError('--principal is missing');
  const { workingTree } = await import('../../bundle/git/tree.ts');
  const { organisationOf } = await import('../../reviewer/organisationOf.ts');
  const { requestGrant } = await import('../../reviewer/requests/requestGrant.ts');
  const { requestText } = await import('../../reviewer/requests/requestProposal.ts');
  const root = folderOf(folder);
  const tree = await workingTree(root);
  const organisation = await organisationOf(tree);
  const requested = await requestGrant({ tree, organisation }, { ...asked, principal }, asOf);
  await writeOrShow(root, requested, { text: requestText(requested), write, json });
}

async function askForIssue(number: number, options: Options): Promise<void> {
  if (!options.apply) throw new UsageError('--issue answers on the forge: give --apply');
  const { answerIssue } = await import('../../reviewer/requests/proposeRequest.ts');
  const { requestText } = await import('../../reviewer/requests/requestProposal.ts');
  const { forge, signal } = await openForgeOf(options);
  const answered = await answerIssue(forge, number, signal);
  if ('refused' in answered) {
    if (options.json) printJson({ action: 'refused', reason: answered.refused });
    else print(`refused, and said so in the issue: ${answered.refused}`);
    return;
  }
  const { requested, action, url } = answered;
  if (options.json) printJson({ action, url, ...withoutTexts(requested) });
  else print(`${requestText(requested)}${url} ${actionText(action)}\n`);
}

async function openForgeOf(options: Options) {
  const { openForge } = await import('../../reviewer/forge/forge.ts');
  const signal = abortOnStop();
  return { forge: openForge(await forgeIn(options), signal), signal };
}
