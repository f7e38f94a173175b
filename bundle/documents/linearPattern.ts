// re2js: `compile` throws for what RE2 does not have (looking around, back references); each pattern is a machine that
// takes one step a character, whatever it says.

import { RE2JS } from 're2js';
import { messageOf } from '../format/messageOf.ts';

const longest = 1000;

/** A pattern that is matched in time linear in the text, or what is wrong with it. Matches anywhere, as JSON Schema has it. */
export function linearPattern(pattern: string): { test: (text: string) => boolean; fault: string | null } {
  if (pattern.length > longest) return { test: () => false, fault: `is longer than ${longest} characters` };
  try {
    const machine = RE2JS.compile(pattern);
    return { test: (text) => machine.matcher(text).find(), fault: null };
  } catch (error) {
    const why = messageOf(error);
    return { test: () => false, fault: `is none of RE2, which matches in linear time: ${why}` };
  }
}
