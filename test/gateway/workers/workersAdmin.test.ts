import * as assert from 'node:assert/strict';
import type { AddressInfo } from 'node:net';
import { createWorkersAdmin } from '../../../gateway/workers/workersAdmin.ts';
import { suite } from '../../_suite.ts';

const test = suite('workersAdmin');

test('while no worker serves it is not ready, and alive: to start it anew helps none of them', async () => {
  const admin = createWorkersAdmin({
    ...{ workers: () => [], allServe: () => false, onFailure: () => assert.fail() },
    metrics: () => assert.fail('nobody may ask'),
  });
  await new Promise<void>((done) => admin.listen(0, '127.0.0.1', done));
  const at = `http://127.0.0.1:${(admin.address() as AddressInfo).port}`;
  try {
    assert.deepEqual(await (await fetch(`${at}/health/live`)).json(), { status: 'ok' });
    for (const path of ['/health/ready', '/metrics', '/revision']) {
      const response = await fetch(at + path);
      assert.deepEqual(
        [response.status, ((await response.json()) as { code: string }).code],
        [503, 'no-worker'],
        path,
      );
    }
  } finally {
    admin.closeAllConnections();
    admin.close();
  }
});
