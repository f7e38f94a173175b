/** How far a YAML text is understood; what follows is space, comments and punctuation up to the next event. */
export type TextCursor = {
  /** In UTF-16 units. */
  at: number;
  /** Moves on to an offset, never back. */
  passTo(offset: number): void;
  /** Where the next character that matches stands, comments left out; the text's length where none does. */
  find(pattern: RegExp): number;
};

/** A cursor at the beginning of a text. */
export function createTextCursor(text: string): TextCursor {
  return {
    at: 0,
    passTo(offset) {
      this.at = Math.max(this.at, offset);
    },
    find(pattern) {
      let { at } = this;
      while (at < text.length && !pattern.test(text.charAt(at))) {
        if (text.charAt(at) === '#') while (at < text.length && !/[\r\n]/.test(text.charAt(at))) at++;
        else at++;
      }
      return at;
    },
  };
}
