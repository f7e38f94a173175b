import { createCommonLimit } from '../../../gateway/workers/commonLimit.ts';
import { createWorkerLimit, type WorkerLimit } from '../../../gateway/workers/workerLimit.ts';
import type { FromWorker, ToWorker } from '../../../gateway/workers/workerMessages.ts';

type Seat = { id: number; limit: WorkerLimit; up: FromWorker[]; down: ToWorker[] };

/** Workers that count together over channels whose messages arrive when the test says so. */
export function limitsInCommon(workers: number, patienceMs?: number) {
  const seats = new Map<number, Seat>();
  let now = 1_000_000;
  let last = 0;
  let messages = 0;
  const common = createCommonLimit({
    workers,
    running: () => [...seats.keys()],
    answer: (id, answers) => void seats.get(id)?.down.push({ kind: 'taken', answers }),
    collect: (id, round, keys) => void seats.get(id)?.down.push({ kind: 'collect', round, keys }),
    ...(patienceMs === undefined ? {} : { patienceMs }),
  });
  const start = (): Seat => {
    last += 1;
    const up: FromWorker[] = [];
    const limit = createWorkerLimit(workers, (takes) => up.push({ kind: 'take', takes }));
    const seat = { id: last, limit, up, down: [] };
    seats.set(last, seat);
    return seat;
  };
  const places = Array.from({ length: workers }, start);
  const at = (place: number): Seat => places[place % workers] ?? start();
  /** The oldest message to, or from, a worker arrives; false when there is none. */
  const deliver = (seat: Seat, upwards: boolean): boolean => {
    if (upwards) {
      const message = seat.up.shift();
      if (message === undefined) return false;
      messages += 1;
      if (message.kind === 'take') common.take(seat.id, message.takes, now);
      else if (message.kind === 'collected') common.collected(seat.id, message.round, message.parts, now);
      else if (message.kind === 'drained') common.returned(seat.id, message.parts, now);
      return true;
    }
    const message = seat.down.shift();
    if (message === undefined) return false;
    if (message.kind === 'taken') seat.limit.taken(message.answers, now);
    else if (message.kind === 'collect')
      seat.up.push({ kind: 'collected', round: message.round, parts: seat.limit.collect(message.keys) });
    return true;
  };
  const replace = (place: number) => {
    const seat = at(place);
    seats.delete(seat.id);
    common.ended(seat.id, now);
    places[place % workers] = start();
  };
  /** Until nothing is under way. */
  const flow = async () => {
    for (let quiet = 0; quiet < 2; ) {
      await turn();
      const moved = places.flatMap((seat) => [deliver(seat, true), deliver(seat, false)]);
      quiet = moved.includes(true) ? 0 : quiet + 1;
    }
  };
  return {
    at,
    deliver: (place: number, upwards: boolean) => deliver(at(place), upwards),
    flow,
    now: () => now,
    messages: () => messages,
    gone: () => common.gone,
    later: (ms: number) => {
      now += ms;
    },
    crash: replace,
    /** As a planned restart does: what it has taken goes back, then it ends. */
    async restart(place: number) {
      const seat = at(place);
      const returned = seat.limit.returnAll();
      await flow();
      common.returned(seat.id, await returned, now);
      replace(place);
    },
  };
}

export const turn = () => new Promise<void>((done) => setImmediate(done));
