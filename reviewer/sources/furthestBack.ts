import { dayOf, daySeconds } from '../../bundle/format/times.ts';

const days = 500;

/**
 * The first day (YYYY-MM-DD, UTC) that gateways are asked about by an instant, seconds since 1970: no window looks further
 * back than a year with patience.
 */
export const furthestBack = (asOf: number): string => dayOf(asOf - days * daySeconds);
