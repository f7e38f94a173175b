/** Of a text: a host's name is the longest that is asked about. */
const longest = 300;

/**
 * A function of a text that remembers what it has answered, for up to `most` texts; then it begins anew. What it throws
 * is not remembered, nor are texts that are too long to be one of many.
 */
export function remember<Answer extends object | string | null>(
  answerOf: (text: string) => Answer,
  most: number,
): (text: string) => Answer {
  const known = new Map<string, Answer>();
  return (text) => {
    const before = known.get(text);
    if (before !== undefined) return before;
    const answer = answerOf(text);
    if (text.length > longest) return answer;
    if (known.size >= most) known.clear();
    known.set(text, answer);
    return answer;
  };
}
