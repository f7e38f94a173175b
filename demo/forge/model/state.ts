import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { writeWhole } from '../../../reviewer/writeWhole.ts';

const instant = z.string();
const reaction = z.object({ author: z.string(), content: z.string() });

const pull = z.object({
  head: z.object({ ref: z.string(), sha: z.string() }),
  /** `sha` is the tip the pull request was last compared with; for a merged one, the tip before the merge. */
  base: z.object({ ref: z.string(), sha: z.string() }),
  draft: z.boolean(),
  mergedAt: instant.nullable(),
  mergedBy: z.string().nullable(),
  mergeCommit: z.string().nullable(),
  reviewers: z.array(z.string()),
  teams: z.array(z.string()).default([]),
  reviews: z
    .array(
      z.object({
        id: z.int(),
        author: z.string(),
        state: z.enum(['APPROVED', 'CHANGES_REQUESTED', 'COMMENTED']),
        body: z.string(),
        commit: z.string(),
        createdAt: instant,
        editedAt: instant.nullable().default(null),
      }),
    )
    .default([]),
  /** What stands beside lines; each was submitted with a review. */
  reviewComments: z
    .array(
      z.object({
        id: z.int(),
        review: z.int(),
        author: z.string(),
        path: z.string(),
        body: z.string(),
        commit: z.string(),
        createdAt: instant,
        updatedAt: instant,
        editedAt: instant.nullable(),
        reactions: z.array(reaction),
      }),
    )
    .default([]),
});

const issue = z.object({
  number: z.int(),
  id: z.int(),
  title: z.string(),
  body: z.string().nullable(),
  author: z.string(),
  state: z.enum(['open', 'closed']),
  stateReason: z.enum(['completed', 'not_planned', 'reopened']).nullable(),
  labels: z.array(z.string()),
  assignees: z.array(z.string()),
  createdAt: instant,
  updatedAt: instant,
  closedAt: instant.nullable(),
  closedBy: z.string().nullable(),
  reopenedAt: instant.nullable().default(null),
  /** Who changed its text last, and when; null for one that is as it was written. */
  edited: z.object({ by: z.string(), at: instant }).nullable().default(null),
  pull: pull.nullable(),
});

const stored = z.object({
  version: z.literal(1),
  nextNumber: z.int(),
  nextId: z.int(),
  createdAt: instant,
  issues: z.array(issue),
  comments: z.array(
    z.object({
      id: z.int(),
      issue: z.int(),
      author: z.string(),
      body: z.string(),
      createdAt: instant,
      updatedAt: instant,
      editedAt: instant.nullable().default(null),
      reactions: z.array(reaction).default([]),
    }),
  ),
  labels: z.array(z.object({ id: z.int(), name: z.string(), color: z.string(), description: z.string() })),
  statuses: z.array(
    z.object({
      id: z.int(),
      sha: z.string(),
      state: z.enum(['error', 'failure', 'pending', 'success']),
      context: z.string(),
      description: z.string().nullable(),
      targetUrl: z.string().nullable(),
      creator: z.string(),
      createdAt: instant,
    }),
  ),
  checks: z.array(
    z.object({
      id: z.int(),
      sha: z.string(),
      name: z.string(),
      status: z.enum(['queued', 'in_progress', 'completed']),
      conclusion: z.string().nullable(),
      detailsUrl: z.string().nullable(),
      externalId: z.string().nullable(),
      startedAt: instant.nullable(),
      completedAt: instant.nullable(),
      title: z.string().nullable(),
      summary: z.string().nullable(),
      text: z.string().nullable(),
      annotations: z
        .array(
          z.object({
            path: z.string(),
            startLine: z.int(),
            endLine: z.int(),
            level: z.enum(['notice', 'warning', 'failure']),
            message: z.string(),
          }),
        )
        .default([]),
    }),
  ),
});

export type Stored = z.output<typeof stored>;
/** An issue; a pull request when `pull` is there. Both share one sequence of numbers, as on GitHub. */
export type Issue = z.output<typeof issue>;
export type Pull = z.output<typeof pull>;
export type PullIssue = Issue & { pull: Pull };
export type Comment = Stored['comments'][number];
export type Label = Stored['labels'][number];
export type Status = Stored['statuses'][number];
export type Check = Stored['checks'][number];

export type State = {
  readonly data: Stored;
  /** The next id of comments, labels, statuses and the like. */
  newId: () => number;
  newNumber: () => number;
  /** Writes what changed since the last call; a kill leaves the old or the new state. */
  save: () => Promise<void>;
};

const fresh = (now: string): Stored => ({
  version: 1,
  nextNumber: 1,
  nextId: 1,
  createdAt: now,
  issues: [],
  comments: [],
  labels: [],
  statuses: [],
  checks: [],
});

function read(file: string, text: string): Stored {
  try {
    return stored.parse(JSON.parse(text));
  } catch (cause) {
    throw new Error(`${file} is not what the forge wrote; remove it to begin without pull requests`, {
      cause,
    });
  }
}

/** Opens `forge.json` inside the bare repository, so that the two move and vanish together. */
export async function openState(repository: string, now: string): Promise<State> {
  const file = join(repository, 'forge.json');
  const text = await readFile(file, 'utf8').catch(() => null);
  const data = text === null ? fresh(now) : read(file, text);
  let writing: Promise<void> = Promise.resolve();
  let waiting: Promise<void> | null = null;
  const write = async () => {
    waiting = null;
    await writeWhole(file, JSON.stringify(data));
  };
  return {
    data,
    newId: () => data.nextId++,
    newNumber: () => data.nextNumber++,
    // Calls made while a write is under way share the next one.
    save: () => {
      if (waiting === null) {
        waiting = writing.catch(() => {}).then(write);
        writing = waiting;
      }
      return waiting;
    },
  };
}
