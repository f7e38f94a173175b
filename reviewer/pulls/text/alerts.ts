/** A text with a note above it: said where what it is about is written, for a comment may be lost. */
export const noted = (said: string, own: string): string => `> [!NOTE]\n> ${said}\n\n${own}`;

/** Stands above a text while it and its branch are being changed. */
export const changing =
  '> [!WARNING]\n> This pull request is being brought up to date. Wait with the merge until this line is gone.';

/** A text as it is once the change is through: a run that died in the middle of it has left the note. */
export const changed = (own: string): string => own.replace(`${changing}\n\n`, '');
