import { Gauge, type Registry } from 'prom-client';
import type { Outcome } from '../decision/outcome.ts';
import type { Fault } from '../http/fault.ts';
import { createCount, createMeasure } from './meters.ts';

const short = [1e-5, 5e-5, 1e-4, 5e-4, 1e-3, 5e-3, 0.01, 0.05, 0.1, 0.5, 1];

/** What is told of requests: how they ended at the door, their record, and their upstream. */
export function createRequestMeters(registry: Registry) {
  const requests = createCount({
    name: 'grantgate_requests_total',
    help: 'Requests by how they ended at the door.',
    labelNames: ['api', 'operation', 'outcome', 'reason'],
    registry,
  });
  const regressed = createCount({
    name: 'grantgate_regressed_denials_total',
    help: 'Denials that the revision before would have allowed.',
    labelNames: ['api', 'operation'],
    registry,
  });
  const decision = createMeasure({
    name: 'grantgate_decision_seconds',
    help: 'Time of one policy decision.',
    bounds: [5e-6, 1e-5, 2e-5, 5e-5, 1e-4, 2e-4, 5e-4, 1e-3, 1e-2],
    registry,
  });
  const upstream = createMeasure({
    name: 'grantgate_upstream_seconds',
    help: 'Time from forwarding a request to the end of its answer.',
    labelNames: ['api'],
    bounds: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 30],
    registry,
  });
  const answers = createCount({
    name: 'grantgate_upstream_answers_total',
    help: 'Whole answers of APIs to admitted requests, by the class of their status: 2xx, 3xx, 4xx, 5xx.',
    labelNames: ['api', 'status'],
    registry,
  });
  const upstreamFailures = createCount({
    name: 'grantgate_upstream_failures_total',
    help: 'Admitted requests that their upstream did not answer properly, by cause.',
    labelNames: ['api', 'cause'],
    registry,
  });
  const recordFailures = createCount({
    name: 'grantgate_record_failures_total',
    help: 'Requests turned away because their decision could not be recorded.',
    registry,
  });
  const recordsFailing = new Gauge({
    name: 'grantgate_records_failing',
    help: '1 while decisions cannot be recorded and every request is turned away.',
    aggregator: 'max',
    registers: [registry],
  });
  const recordLag = createMeasure({
    name: 'grantgate_record_lag_seconds',
    help: 'Time from a decision until its record, and those of the same turn, were in the file.',
    bounds: short,
    registry,
  });
  return {
    upstream,
    /** An API has answered; anything that is no final status is not counted. */
    answered(api: string, status: number) {
      if (status >= 200 && status < 600) answers(api, `${Math.floor(status / 100)}xx`);
    },
    upstreamFailures: (api: string, cause: Fault) => upstreamFailures(api, cause),
    recordLag,
    recordsFailing: (failing: boolean) => recordsFailing.set(failing ? 1 : 0),
    observe({ api, operation, outcome, reason, decision: decided, regressed: again }: Outcome) {
      requests(api, operation, outcome, reason);
      if (decided !== undefined) decision(decided.nanoseconds / 1e9);
      if (again === true) regressed(api, operation);
      if (reason === 'record-unwritable') recordFailures();
    },
  };
}
