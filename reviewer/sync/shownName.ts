const most = 80;

/** A name that may be none, as people can be shown it: nothing in it steers a terminal or turns the text around it. */
export function shownName(name: string): string {
  const characters = [...name];
  const text = JSON.stringify(characters.slice(0, most).join(''));
  const plain = text.replace(
    /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\ufffe\uffff]/gu,
    (one) => `\\u{${one.codePointAt(0)?.toString(16)}}`,
  );
  return characters.length > most ? `${plain} and ${characters.length - most} characters more` : plain;
}
