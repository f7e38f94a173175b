import type { Memory } from '../decision/decision.ts';
import type { DecisionRecord } from './record.ts';

/** A decision on its way to the log, which gives it its place there. */
export type NewRecord = Omit<DecisionRecord, 'instance' | 'seq'> & {
  /** What is remembered of the decision; left out, nothing is. */
  memory?: Pick<Memory, 'record'>;
};

/**
 * Writes records as lines of JSON, `\n` and all. What a decision says is put into text once, however many requests it
 * answers.
 */
export function createRecordLine(instance: string): (record: NewRecord, seq: number) => string {
  const named = JSON.stringify(instance);

  const decided = ({ path, bundles, input, result, memory }: NewRecord): string => {
    const { revision } = bundles.grantgate;
    let known = memory?.record ?? null;
    if (known === null || known.revision !== revision) {
      const text = JSON.stringify({ path, bundles, input, result }).slice(1, -1);
      // In a text of JSON, what reads so is the name of a field, and there is one.
      const at = text.indexOf('"time":') + 7;
      const [before, after] = [text.slice(0, at), text.slice(at + String(input.time).length)];
      known = { revision, before, after };
      if (memory !== undefined) memory.record = known;
    }
    return `${known.before}${input.time}${known.after}`;
  };

  return (record, seq) => {
    const { timestamp, decision_id, status, metrics, trace_id, regressed } = record;
    // Of what is put in as it is, nothing has a character that JSON would escape: a date, a ULID, hexadecimal digits.
    let line = `{"timestamp":"${timestamp}","decision_id":"${decision_id}","instance":${named},"seq":${seq},${decided(record)}`;
    if (status !== undefined) line += `,"status":${status}`;
    if (metrics !== undefined)
      line += `,"metrics":{"timer_rego_wasm_eval_ns":${metrics.timer_rego_wasm_eval_ns}}`;
    if (trace_id !== undefined) line += `,"trace_id":"${trace_id}"`;
    if (regressed !== undefined) line += `,"regressed":${JSON.stringify(regressed)}`;
    return `${line}}\n`;
  };
}
