import * as assert from 'node:assert/strict';
import { freePort } from '../_server.ts';
import { suite } from '../_suite.ts';
import { assertKept, runSteps, stepsOf } from '../project/_walkthrough.ts';
import { copyExample } from './_copyExample.ts';

const test = suite('the example of an OPA server');
const example = await copyExample('opa-server');
test.after(() => example.remove());

test('as its page says, OPA allows and denies by the bundle that is published', async () => {
  const [published, opa] = [await freePort(), await freePort()];
  const ours = (text: string) => text.replaceAll(':8282', `:${published}`).replaceAll(':8181', `:${opa}`);
  example.edit('opa.yaml', ours);
  const steps = stepsOf(ours(example.read('README.md'))).map((step) => ({
    ...step,
    shell: step.shell.replace('--key signing.pem', `--key signing.pem --listen 127.0.0.1:${published}`),
  }));
  assert.equal(steps.filter(({ prints }) => prints.length > 0).length, 2);
  assertKept(steps, await runSteps(steps, example));
});
