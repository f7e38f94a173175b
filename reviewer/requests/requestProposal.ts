import { listed } from '../../bundle/format/counted.ts';
import { changeLine } from '../diff/diffRows.ts';
import { code, fenced, prose } from '../forge/markdown.ts';
import { nameOf } from '../plan/sentence.ts';
import type { Proposal } from '../proposal/openProposal.ts';
import type { Requested } from './requestGrant.ts';

export const requestPrefix = 'grantgate/request/';
export const emergencyPrefix = 'grantgate/emergency/';
const requestLabel = 'grantgate-request';
const emergencyLabel = 'grantgate-emergency';

const effects = ({ changes }: Requested) => changes.map(changeLine);

const roleNote = ({ role }: Requested): string[] =>
  role === null
    ? []
    : [
        `the smallest role that holds this is ${role.name}; it would also give ${listed(role.also)}, so the operations are granted alone`,
      ];

const approval = ({ approvers: { owner, people } }: Requested) =>
  people.length === 0
    ? `${nameOf(owner)} answers for the API, and has nobody else who could approve`
    : `${nameOf(owner)} answers for the API: ${listed(people.map(nameOf))} may approve`;

/** For a terminal. */
export function requestText(requested: Requested): string {
  const { file, texts } = requested;
  const item = (texts.get(file) ?? '').trimEnd().split('\n').slice(1);
  const lines = [
    `${file}:`,
    ...item.map((line) => `  ${line}`),
    'Effect:',
    ...effects(requested).map((line) => `  ${line}`),
    ...roleNote(requested),
    approval(requested),
  ];
  return `${lines.map((line) => line.replace(/\p{Cc}+/gu, ' ')).join('\n')}\n`;
}

/** What is said to whoever takes access in an emergency again before the last time was attested; null where it was. */
export const againText = (earlier: readonly number[]): string | null =>
  earlier.length === 0
    ? null
    : `Nobody has attested the emergency access that the same person took before: ${listed(earlier.map((number) => `#${number}`))}.`;

/**
 * The pull request that asks for it. `asOf`: seconds since 1970; `issue`: where it was asked for; `earlier`: emergencies of the
 * same person that nobody has attested.
 */
export function requestProposal(
  requested: Requested,
  {
    asOf,
    emergency,
    issue,
    earlier,
  }: { asOf: number; emergency: boolean; issue?: number; earlier: readonly number[] },
): Proposal {
  const { entry, file, texts } = requested;
  const again = againText(earlier);
  const what = entry.role ?? listed(entry.operations ?? []);
  return {
    branch: `${emergency ? emergencyPrefix : requestPrefix}${entry.id}`,
    texts,
    title: `${emergency ? 'Emergency: ' : ''}Grant ${what} of ${entry.api} to ${nameOf(entry.principal)} until ${entry.expires}`,
    body: [
      ...(emergency
        ? [
            '> [!WARNING]\n> Merged before anybody approved it, as review.yaml allows. Whoever answers for the API attests it with a comment `/attest REASON`; until then it stays on the dashboard.' +
              (again === null ? '' : `\n>\n> ${again}`),
          ]
        : []),
      `${code(entry.principal)} asks for ${code(what)} of ${code(entry.api)} until ${code(entry.expires ?? '')}:`,
      fenced(entry.reason, 'text'),
      '**What changes**',
      [...effects(requested), ...roleNote(requested)].map((line) => `- ${prose(line)}`).join('\n'),
      fenced(texts.get(file) ?? '', 'yaml'),
      `**Who approves**\n\n${prose(approval(requested))}.`,
      `It ends by itself on ${code(entry.expires ?? '')}.${issue === undefined ? '' : `\n\nCloses #${issue}.`}`,
    ].join('\n\n'),
    labels: [emergency ? emergencyLabel : requestLabel],
    at: asOf,
  };
}
