import { type Given, wrongAnswer } from '../../bundle/scaffold/readAnswers.ts';

const questions = {
  api: 'The name of your first API, like orders',
  upstream: 'Where it is, like http://orders.internal:8080',
  owner: 'The group that answers for it, like group:shop',
  person: 'Who is in that group: logins, as tokens have them, separated by commas',
} as const;

/** Asks for what options did not say, and again for what is wrong. `ask` gives the line, or null at the end of input. */
export async function askMissing(
  given: Given,
  ask: (question: string) => Promise<string | null>,
  tell: (line: string) => void,
): Promise<Given> {
  const answered: Given = { ...given };
  const one = async (option: 'api' | 'upstream' | 'owner'): Promise<void> => {
    for (;;) {
      const line = (await ask(`${questions[option]}: `))?.trim();
      if (line === undefined) return;
      const wrong = wrongAnswer(option, line);
      if (wrong === null) {
        answered[option] = line;
        return;
      }
      tell(wrong);
    }
  };
  if (given.api === undefined) await one('api');
  if (given.upstream === undefined && given.openapi === undefined) await one('upstream');
  if (given.owner === undefined) await one('owner');
  while ((answered.person ?? []).length === 0) {
    const line = await ask(`${questions.person}: `);
    if (line === null) break;
    const people = line.split(',').flatMap((name) => (name.trim() === '' ? [] : [name.trim()]));
    const wrong = people.map((name) => wrongAnswer('person', name)).find((said) => said !== null);
    if (wrong === undefined) answered.person = people;
    else tell(wrong);
  }
  return answered;
}
