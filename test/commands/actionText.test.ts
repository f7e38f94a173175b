import * as assert from 'node:assert/strict';
import { actionText } from '../../commands/review/actionText.ts';
import { suite } from '../_suite.ts';

const test = suite('actionText');

test('what became of a pull request is said in words, not as programs are told', () => {
  assert.equal(actionText('opened'), 'opened');
  assert.match(actionText('idle'), /open already/);
  assert.match(actionText('left'), /left alone: somebody/);
  assert.equal(actionText('constructor'), 'constructor');
});
