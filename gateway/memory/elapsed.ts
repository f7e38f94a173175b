const beganMs = Number(process.hrtime.bigint()) / 1e6 - performance.now();

/**
 * Milliseconds on a clock that nobody sets, and that all processes of a machine share: what they count together, and how
 * long they count something, depends on no jump of the one on the wall.
 */
export const elapsed = (): number => beganMs + performance.now();
