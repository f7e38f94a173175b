import type { Organisation } from '../../bundle/grants/organisation.ts';
import type { ForgeComment } from '../forge/forge.ts';
import { code } from '../forge/markdown.ts';
import { type Asked, answering, askedFirst, namesOf, type Who } from './answering.ts';

// What people were told stands in the comments: a comment is there or not, so nothing is told twice, however a run ends.

/** What is to be told, once for each key: to whom, by the forge's names, in Markdown. */
export type Notice = {
  /** Small letters, digits, blanks and hyphens. */
  key: string;
  who: readonly string[];
  text: string;
  /** They are asked for a review, too. */
  asks?: boolean;
  /** An approval makes it needless. */
  unlessApproved?: boolean;
};

/** A notice as a comment has it. */
export type Given = Pick<Notice, 'key' | 'who' | 'text'>;

const mention = (names: readonly string[]) => names.map((name) => `@${name}`).join(', ');

/** The comment that gives a notice; read back by {@link noticeIn}. */
export const noticeText = ({ key, who, text }: Given): string =>
  `<!-- grantgate:told ${key} -->\n${who.length === 0 ? '' : `${mention(who)}: `}${text}`;

/** The notice that a comment has the form of, whoever wrote it; null for any other comment. */
export function noticeIn(body: string): Given | null {
  const [line = '', ...rest] = body.replace(/\r\n/g, '\n').split('\n');
  const [, key] = /^<!-- grantgate:told ([a-z0-9 -]{1,40}) -->$/.exec(line) ?? [];
  if (key === undefined) return null;
  const text = rest.join('\n');
  const [named = ''] = /^@[A-Za-z0-9_-]+(?:, @[A-Za-z0-9_-]+)*(?=: )/.exec(text) ?? [];
  const who = named === '' ? [] : named.split(', ').map((name) => name.slice(1));
  return { key, who, text: text.slice(named === '' ? 0 : named.length + 2) };
}

/** The notices that the review gave: what somebody else wrote in their form, so as to silence or to forge one, is none. */
export const givenIn = (comments: readonly Pick<ForgeComment, 'isOurs' | 'body'>[]): Given[] =>
  comments.flatMap(({ isOurs, body }) => (isOurs ? (noticeIn(body) ?? []) : []));

/** How keys begin of what asks some in the place of others. */
const asking = /^(?:managers|api-owners|unanswered)(?: |$)/;

/** The forge's names, in small letters, of those whom the review has asked in the place of others. */
export const askedInPlace = (
  comments: readonly Pick<ForgeComment, 'isOurs' | 'body'>[],
): ReadonlySet<string> =>
  new Set(
    givenIn(comments)
      .flatMap(({ key, who }) => (asking.test(key) ? who : []))
      .map((name) => name.toLowerCase()),
  );

const places: Readonly<Record<Exclude<Who, 'owners'>, string>> = {
  managers: 'who they report to',
  'api-owners': 'who answers for the API',
};

/**
 * Asks others in the owner's place: from the start where none of the owner's people can be asked, or once they have been
 * `silent` for long; null where nobody is to be asked, or nobody can be. `most`: few enough to feel asked.
 */
export function othersAsked(
  asked: Asked,
  organisation: Pick<Organisation, 'people' | 'services' | 'memberships' | 'apis'>,
  { silent, most }: { silent: boolean; most: number },
): Notice | null {
  const { who: first } = askedFirst(asked, organisation);
  const who = first !== 'owners' ? first : silent ? 'managers' : null;
  if (who === null) return null;
  const names = namesOf(answering(who, asked, organisation), organisation).slice(0, most);
  if (names.length === 0) return null;
  const owner = code(asked.owner);
  const why =
    first === 'owners'
      ? `${owner} has not said anything yet.`
      : `nobody can be asked of ${owner}: they have left, have no name on this forge, or it is their own access.`;
  return {
    ...{ key: who, who: names, asks: true, unlessApproved: true },
    text: `${why} You are asked in their place: ${places[who]}.`,
  };
}
