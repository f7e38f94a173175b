import type { Forge, ForgeComment } from '../forge/forge.ts';
import { code } from '../forge/markdown.ts';
import { optional } from '../forge/optional.ts';
import type { Who } from './answering.ts';
import { askReviewers } from './askReviewers.ts';

// What people were told of stands in the comments: a comment is there or not, so nothing is told twice, however a run ends.

/** What is to be told, once for each key: to whom, by the forge's names, in Markdown. */
export type Notice = {
  /** Small letters, digits, blanks and hyphens. */
  key: string;
  who: readonly string[];
  text: string;
  /** They are asked for a review, too. */
  asks?: boolean;
  /** An approval by somebody who may push makes it needless, or by one who answers: of a forge's name, whether it is of such. */
  unlessApproved?: (login: string) => boolean;
};

/** What a comment told of. */
export type Told = Pick<Notice, 'key' | 'who' | 'text'>;

const mention = (names: readonly string[]) => names.map((name) => `@${name}`).join(', ');

/** The comment that tells of something; read back by `toldIn`. */
export const tellingOf = ({ key, who, text }: Told): string =>
  `<!-- grantgate:told ${key} -->\n${who.length === 0 ? '' : `${mention(who)}: `}${text}`;

/** What a comment told of, whom it names and what it says; null for any other comment. */
export function toldIn(body: string): Told | null {
  const [line = '', ...rest] = body.replace(/\r\n/g, '\n').split('\n');
  const [, key] = /^<!-- grantgate:told ([a-z0-9 -]{1,40}) -->$/.exec(line) ?? [];
  if (key === undefined) return null;
  const text = rest.join('\n');
  const [named = ''] = /^@[A-Za-z0-9_-]+(?:, @[A-Za-z0-9_-]+)*(?=: )/.exec(text) ?? [];
  const who = named === '' ? [] : named.split(', ').map((name) => name.slice(1));
  return { key, who, text: text.slice(named === '' ? 0 : named.length + 2) };
}

/** Whether the review wrote a comment, as whom it writes: anybody may write what looks like one, so as to silence it. */
const isOurs = ({ author, isBot }: Pick<ForgeComment, 'author' | 'isBot'>, me: string | null) =>
  me === null ? isBot : author === me;

/** How keys begin of what asks some in the place of others. */
const asking = /^(?:managers|api-owners|unanswered)(?: |$)/;

/** The forge's names, in small letters, of those whom the review has asked in the place of others. */
export const askedInPlace = (
  comments: readonly Pick<ForgeComment, 'author' | 'isBot' | 'isEdited' | 'body'>[],
  me: string | null,
): ReadonlySet<string> =>
  new Set(
    comments
      // Whoever may push can change what we wrote.
      .filter((comment) => isOurs(comment, me) && comment.isEdited === false)
      .flatMap(({ body }) => {
        const told = toldIn(body);
        return told !== null && asking.test(told.key) ? told.who : [];
      })
      .map((name) => name.toLowerCase()),
  );

/** Tells of what has not been told of yet; whether it did. Throws ForgeError. */
export async function tell(
  forge: Pick<Forge, 'whoAmI' | 'comments' | 'comment' | 'isApproved' | 'requestReviewers'>,
  number: number,
  notices: readonly Notice[],
): Promise<boolean> {
  if (notices.length === 0) return false;
  const me = await forge.whoAmI();
  const said = new Set(
    (await forge.comments(number)).flatMap((comment) =>
      isOurs(comment, me) ? (toldIn(comment.body)?.key ?? []) : [],
    ),
  );
  let told = false;
  for (const notice of notices) {
    if (said.has(notice.key)) continue;
    const { unlessApproved: answers } = notice;
    if (answers !== undefined && (await forge.isApproved(number, answers))) continue;
    // First, for who is asked twice is asked once.
    if (notice.asks === true) await askReviewers(forge, number, { people: notice.who });
    if (await optional(() => forge.comment(number, tellingOf(notice)))) told = true;
  }
  return told;
}

const places: Readonly<Record<Exclude<Who, 'owners'>, string>> = {
  managers: 'who they report to',
  'api-owners': 'who answers for the API',
};

/** Asks others: from the start where none of the owner's people can be asked, or once they have been silent for long. */
export const inTheirPlace = (
  who: Exclude<Who, 'owners'>,
  why: 'absent' | 'silent',
  { owner, names }: { owner: string; names: readonly string[] },
): Notice => ({
  ...{ key: who, who: names, asks: true },
  text: `${
    why === 'absent'
      ? `nobody can be asked of ${code(owner)}: they have left, have no name on this forge, or it is their own access.`
      : `${code(owner)} has not said anything yet.`
  } You are asked in their place: ${places[who]}.`,
});
