/** From one number to another, both there; `to` one less than `from`: no number, but that those before it were given out. */
export type Run = readonly [from: number, to: number, firstMinute: number, lastMinute: number];
/** From a minute to another, the second exclusive. Minutes count from the day's first one; a file may reach past its day. */
export type Minutes = readonly [from: number, to: number];

/** What a day's roll-up vouches for. Without `runs` it is of a version that could not tell, and vouches for nothing. */
export type Head = {
  /** The first and the last number; the second is one less than the first while there is none. */
  seq: [number, number];
  /** Lines that took a number. */
  records: number;
  /** Minutes with a heartbeat. */
  minutes: number;
  /** Numbers that are there, in the order they were written; between two runs some are missing. */
  runs?: Run[];
  /** Minutes with a heartbeat or an orderly end. */
  beats?: Minutes[];
  /** Minutes with any sign of life. */
  seen?: Minutes[];
  /** Minutes with an orderly end that nothing followed. */
  ends?: number[];
  /** How many lines follow, and the sum of their counts: a roll-up that lost some shows it. */
  lines?: number;
  uses?: number;
  /** There was more than a roll-up holds, or a version wrote into it that could not tell. */
  cut?: true;
};

type OfDay = { day: string; instance: string };

/** How a grant was used for one operation. Instants are RFC 3339, UTC. */
export type UseLine = OfDay & {
  grant: string;
  operation: string;
  count: number;
  first: string;
  last: string;
  api?: string;
  /** The most uses within one minute. */
  busiest?: number;
  /** Uses with a second factor. */
  mfa?: number;
};

/** One line of a usage file: the day's coverage, a use, uses that several grants justified together, denials by reason. */
export type UsageLine =
  | (OfDay & { coverage: Head })
  | UseLine
  | (OfDay & { together: string[]; operation: string; count: number })
  | (OfDay & { denied: string; api: string; operation: string; count: number; first: string; last: string });
