/** What records show of a grant's uses in the window of recommendations, and what would fit them. */
export type Observed = {
  /** Uses in the window, days with one, and those made with a second factor. */
  uses: number;
  days: number;
  mfa: number;
  /** Uses on record, however long ago; the first and the last of them in seconds since 1970. */
  ever: number;
  first: number;
  last: number;
  /** The most that one caller asked by it in one minute. */
  busiest: number;
  /** Declared networks of which every use came from one; left out where there are none such. */
  networks?: readonly string[];
  /** A rate that would have refused none of them. */
  rate?: string;
  /** Of the group that holds it: whoever is enough, and how many that reaches. */
  principal?: string;
  members?: number;
};

/** Looks up what records show of grants since an instant each (seconds since 1970). */
export type Observe = (
  asked: readonly { grant: string; from: number }[],
) => Promise<ReadonlyMap<string, Observed>>;
