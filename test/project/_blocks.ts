/** A fenced block of a page. */
export type Block = { language: string; text: string };

/** The fenced blocks of a page that name their language, in order. */
export const blocksOf = (markdown: string): Block[] =>
  [...markdown.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].map(([, language = '', text = '']) => ({
    language,
    text,
  }));
