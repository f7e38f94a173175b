import { isAmbiguous, type Segment, segmentsOf, shapeOf } from './pathTemplate.ts';

/** Templates that no request can mean two of; each with a value. */
export class Templates<T> {
  readonly #shapes = new Map<string, T>();
  /** By what goes before the first segment with text and parameters, and how many segments there are. */
  readonly #mixed = new Map<string, { value: T; segments: Segment[] }[]>();

  /**
   * Adds a template within a scope, such as a method and a host. Where a request could mean one that is there already
   * just as well, nothing is added, and the value of that one is given.
   */
  add(scope: string, template: string, value: T): T | null {
    const shape = `${scope} ${shapeOf(template)}`;
    const same = this.#shapes.get(shape);
    if (same !== undefined) return same;
    const segments = segmentsOf(template);
    const at = segments.findIndex(({ kind }) => kind === 'mixed');
    if (at >= 0) {
      const key = `${segments.length} ${shape.split('/', at + 1).join('/')}`;
      const others = this.#mixed.get(key) ?? [];
      const other = others.find((one) => isAmbiguous(one.segments, segments));
      if (other !== undefined) return other.value;
      others.push({ value, segments });
      this.#mixed.set(key, others);
    }
    this.#shapes.set(shape, value);
    return null;
  }
}
