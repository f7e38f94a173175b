import * as assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { reviewFile } from '../../bundle/grants/reviewRules.ts';
import { suite } from '../_suite.ts';

const test = suite('settings of the review');

/** Every key of a JSON Schema, by path. */
function keysOf(schema: unknown, path = ''): string[] {
  if (typeof schema !== 'object' || schema === null) return [];
  const { properties, items } = schema as { properties?: Record<string, unknown>; items?: unknown };
  return [
    ...Object.entries(properties ?? {}).flatMap(([key, value]) => [
      `${path}${key}`,
      ...keysOf(value, `${path}${key}.`),
    ]),
    ...keysOf(items, `${path}`),
  ];
}

test('each key of grants/review.yaml is read by somebody', async () => {
  const files = execFileSync('git', ['ls-files', 'reviewer', 'bundle', 'policies/review', 'policies/check'], {
    encoding: 'utf8',
  })
    .split('\n')
    .filter(
      (file) => /\.(?:ts|rego)$/.test(file) && !/(?:_test\.rego|reviewRules\.ts|schema\.ts)$/.test(file),
    );
  const text = (await Promise.all(files.map((file) => readFile(file, 'utf8')))).join('\n');
  const keys = keysOf(z.toJSONSchema(reviewFile, { io: 'input' }));
  assert.ok(keys.length > 30, keys.join());
  const unread = keys.filter((key) => {
    const name = key.split('.').at(-1) ?? '';
    // A tier's name is looked up by the severity of a finding.
    if (key.startsWith('pull_requests.no_response.')) return !/no_response\[/.test(text);
    // What has two names is read by both: `thresholds.growth.share` as `growth.share`.
    const parent = key.startsWith('thresholds.') ? key.split('.').at(-2) : undefined;
    const known = (word: string) => new RegExp(`(?<![A-Za-z_])${word}(?![A-Za-z_])`).test(text);
    return !known(name) || (parent !== undefined && parent !== 'thresholds' && !known(parent));
  });
  assert.deepEqual(
    unread,
    waiting.filter((key) => unread.includes(key)),
  );
});

/** Detectors that are not there yet; what is read leaves this list. */
const waiting: readonly string[] = [
  'thresholds.expiring.notice_days',
  'thresholds.orphan_missing',
  'thresholds.orphan_missing.syncs',
  'thresholds.orphan_missing.apart_hours',
  'thresholds.high_access',
  'thresholds.high_access.days',
  'thresholds.high_access.days_others',
];
