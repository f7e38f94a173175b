import { type GrantLine, readGrantLine } from '../../bundle/data/grantLine.ts';
import { valueText } from './lineIndex.ts';

/** The grants on a line. Throws BundleError `data-malformed`. */
export const grantsOn = (line: Uint8Array): readonly GrantLine[] =>
  readGrantLine(JSON.parse(valueText(line)));
