import querystring from 'node:querystring';

/**
 * The first field of that name in a form (`application/x-www-form-urlencoded`); empty where there is none. Looks at that
 * field alone: URLSearchParams takes time in the square of how many there are, minutes for what a delivery may weigh, and
 * whoever sends one need not have proved anything yet.
 */
export function formField(form: string, name: string): string {
  const text = `&${form}`;
  const start = `&${name}=`;
  const at = text.indexOf(start);
  if (at < 0) return '';
  const from = at + start.length;
  const end = text.indexOf('&', from);
  return querystring.unescape(text.slice(from, end < 0 ? text.length : end).replaceAll('+', ' '));
}
