import { z } from 'zod';
import { invalid } from '../model/apiError.ts';
import type { Check } from '../model/state.ts';

/** GitHub takes so many in one call; those of later calls are added. */
const mostAnnotations = 50;
/** And so many characters of a summary or text. */
const longestOutput = 65_535;

const sent = z.array(
  z.object({
    path: z.string().min(1),
    start_line: z.int().min(1),
    end_line: z.int().min(1),
    annotation_level: z.enum(['notice', 'warning', 'failure']),
    message: z.string().min(1),
  }),
);

/** Reads the annotations of a check run's output, within GitHub's limits. Throws ApiError 422. */
export function annotationsOf(value: unknown): Check['annotations'] {
  const read = sent.safeParse(value ?? []);
  const refused = (message: string) =>
    invalid({ resource: 'CheckRun', code: 'invalid', field: 'annotations', message });
  if (!read.success) throw refused('Annotations are not in form');
  if (read.data.length > mostAnnotations)
    throw refused(`Annotations exceeds a maximum quantity of ${mostAnnotations}`);
  return read.data.map(({ path, start_line, end_line, annotation_level, message }) => {
    if (end_line < start_line) throw refused('End line must not come before start line');
    return { path, startLine: start_line, endLine: end_line, level: annotation_level, message };
  });
}

/** Throws ApiError 422 for a summary or text that is too long. */
export function checkOutput(field: 'summary' | 'text', text: string | undefined): void {
  if (text !== undefined && text.length > longestOutput)
    throw invalid({
      resource: 'CheckRun',
      code: 'invalid',
      field,
      message: `Only ${longestOutput} characters are allowed; ${text.length} were supplied`,
    });
}
