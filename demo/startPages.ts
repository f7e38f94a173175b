import { join } from 'node:path';
import { fleetOf } from '../commands/review/fleetOf.ts';
import { openConsole } from '../reviewer/console/openConsole.ts';
import { freePort } from './place/freePort.ts';
import type { Loop } from './startLoop.ts';
import { createTour } from './tour/createTour.ts';
import { serveTour } from './tour/serveTour.ts';

/** What a person looks at: the tour, and the console behind it. */
export type Pages = { tour: string; console: string; close: () => Promise<void> };

/** Where they are at each start, when nobody else is there. */
const ports = { console: 7700, tour: 7701 };

/** Starts the console over a running loop, and the tour that leads into it. */
export async function startPages(loop: Loop, now: () => number): Promise<Pages> {
  const gateways = [loop.admin];
  const shown = await openConsole({
    ...{ root: loop.repository, decisions: [join(loop.folder, 'decisions')], usage: [], gateways },
    ...{ adminToken: null, fleet: fleetOf(gateways, null), host: '127.0.0.1', token: null },
    ...{ port: await freePort(ports.console), asOf: null, days: 90, now, onFailure: () => {} },
  });
  try {
    const { url, close } = await serveTour({
      steps: createTour(loop, now).steps,
      port: await freePort(ports.tour),
      addresses: [
        ['The console: who may do what', shown.url],
        ['Decisions as they happen', `${shown.url}decisions`],
        ['Findings and their proof', `${shown.url}findings`],
        ['Which revision the gateway enforces', `${shown.url}fleet`],
        ['The forge, with the pull requests', loop.forge.url],
      ],
    });
    return {
      ...{ tour: url, console: shown.url },
      close: async () => void (await Promise.all([close(), shown.close()])),
    };
  } catch (error) {
    await shown.close();
    throw error;
  }
}
