import { dotSegment, operationForm } from './operationForm.ts';

const routed = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

/**
 * A document's path as a template of ours, its parameters' names in our form and each of its own; or why it cannot be
 * routed, as the rest of a sentence that begins with the operation.
 */
export function routableTemplate(method: string, path: string): { template: string } | { because: string } {
  if (!routed.has(method)) return { because: `the method ${method} is not routed` };
  if (/[?#]/.test(path)) return { because: 'a path holds no query and no fragment' };
  const many = /\{[+*/.;?&#][^}]*\}|\{[^}]*(?:\*|\+|\.\.\.)\}|\{[^}]*[=:][^}]*\}|\*/.exec(path);
  if (many !== null)
    return {
      because: `${many[0]} is not one parameter of one segment, and which paths it means cannot be told`,
    };
  if (/\}\{/.test(path)) return { because: 'two parameters need text between them' };
  const names = new Set<string>();
  const template = path.replace(/\{([^{}]*)\}/g, (_, given: string) => {
    const bare = given.replace(/[^A-Za-z0-9_.-]+/g, '-').replace(/^[-.]+/, '') || 'parameter';
    let name = bare;
    for (let count = 2; names.has(name); count++) name = `${bare}-${count}`;
    names.add(name);
    return `{${name}}`;
  });
  if (!operationForm.test(`${method} ${template}`))
    return { because: 'the path is in no canonical form: plain characters, one slash before each segment' };
  if (dotSegment.test(template)) return { because: 'a path must not hold "." or ".." segments' };
  return { template };
}
