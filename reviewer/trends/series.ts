import { findingsOf, type Trend } from './trend.ts';

export type Series = {
  name: string;
  of(trend: Trend): number | null;
  say(value: number): string;
};

const percent = (value: number) => `${(value * 100).toFixed(1)} %`;

/** What is told of each run, in the order of columns. */
export const series: readonly Series[] = [
  { name: 'grants', of: ({ grants }) => grants, say: String },
  { name: 'people', of: ({ people }) => people, say: String },
  { name: 'unused', of: ({ unused }) => unused, say: percent },
  { name: 'findings', of: findingsOf, say: String },
  { name: 'oldest (days)', of: ({ age }) => age.oldest, say: String },
  { name: 'reverted', of: ({ reverted }) => reverted, say: String },
  { name: 'coverage', of: ({ coverage }) => coverage, say: percent },
];
