/**
 * Goes on with a value at once where it is here, and later where others have to be asked. Awaiting what is here would
 * put every request off by a turn of the microtasks.
 */
export const whenKnown = <Value, Result>(
  value: Value | Promise<Value>,
  next: (value: Value) => Result | Promise<Result>,
): Result | Promise<Result> => (value instanceof Promise ? value.then(next) : next(value));
