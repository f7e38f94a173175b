import { ApiError } from '../model/apiError.ts';
import type { Call } from './call.ts';

// Reads fields of a JSON body. GitHub answers 422 with this sentence when a field has another type than published.

function wrongType(field: string, wanted: string, got: unknown): ApiError {
  const shown = JSON.stringify(got)?.slice(0, 100) ?? 'nil';
  return new ApiError(422, `Invalid request.\n\nFor 'properties/${field}', ${shown} is not ${wanted}.`);
}

/** A text field; undefined when absent, and when null unless `nullable` keeps it. */
export function textField(call: Call, field: string): string | undefined {
  const value = call.body[field];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'string') throw wrongType(field, 'a string', value);
  return value;
}

/** A text that may be set to null: undefined means "leave as it is". */
export function nullableText(call: Call, field: string): string | null | undefined {
  return call.body[field] === null ? null : textField(call, field);
}

export function flagField(call: Call, field: string): boolean | undefined {
  const value = call.body[field];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'boolean') throw wrongType(field, 'a boolean', value);
  return value;
}

/** A list of texts; entries may be objects with a `name`, as labels may. */
export function listField(call: Call, field: string): string[] | undefined {
  const value = call.body[field];
  if (value === undefined || value === null) return undefined;
  if (!Array.isArray(value)) throw wrongType(field, 'an array', value);
  return value.map((item: unknown) => {
    if (typeof item === 'string') return item;
    if (typeof item === 'object' && item !== null && 'name' in item && typeof item.name === 'string')
      return item.name;
    throw wrongType(field, 'a list of strings', item);
  });
}

/** One of the given words. */
export function choiceField<const T extends string>(
  call: Call,
  field: string,
  choices: readonly T[],
): T | undefined {
  const value = textField(call, field);
  const found = choices.find((choice) => choice === value);
  if (value !== undefined && found === undefined)
    throw wrongType(field, `one of ${choices.join(', ')}`, value);
  return found;
}
