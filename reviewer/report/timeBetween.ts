/** Whole seconds between two instants (seconds since 1970), never less than 0; null where one is not known. */
export const secondsBetween = (from: number | null, to: number | null): number | null =>
  from === null || to === null ? null : Math.max(0, Math.round(to - from));

/** Hours between two instants (seconds since 1970), to the hundredth; null where one is not known. */
export const hoursBetween = (from: number | null, to: number | null): number | null =>
  from === null || to === null ? null : Math.round(((to - from) / 3600) * 100) / 100;
