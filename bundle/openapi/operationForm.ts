/** An operation's name. ASCII, and never one of `__proto__` and its relatives. */
export const operationNameForm = /^[A-Za-z][A-Za-z0-9._-]{0,127}$/;

/**
 * A method and a canonical path template. `{name}` stands for one character or more of a segment, which may hold text
 * too (`/jobs/{jobId}:cancel`), and between two parameters there is some.
 */
export const operationForm =
  /^(?:GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS) (?:\/|(?:\/(?:[A-Za-z0-9._~!$&'()+,=:@-]|\{[A-Za-z0-9_][A-Za-z0-9_.-]*\}(?!\{))+)+\/?)$/;

export const dotSegment = /\/\.{1,2}(?:\/|$)/;
