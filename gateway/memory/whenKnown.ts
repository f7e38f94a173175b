/**
 * Goes on with what is known at once or will be: with the former in this turn of the event loop. To wait for it as well
 * would let the next request of a connection pass before a wrong credential is counted, and a refusal become a
 * rejection.
 */
export function whenKnown<T, Next>(
  value: T | Promise<T>,
  next: (known: T) => Next | Promise<Next>,
  failed?: (error: unknown) => never,
): Next | Promise<Next> {
  return value instanceof Promise ? value.then(next, failed) : next(value);
}
