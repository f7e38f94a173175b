import { invalid, missingField, notFound } from '../model/apiError.ts';
import type { Core } from '../model/core.ts';
import { renderLabel } from '../model/shapes.ts';
import type { Label } from '../model/state.ts';
import { listField, textField } from './body.ts';
import { type Call, created, empty, type Handler, listing, ok } from './call.ts';
import { issueOf } from './issueOf.ts';

const same = (a: string, b: string) => a.toLowerCase() === b.toLowerCase();

const find = (core: Core, name: string): Label | undefined =>
  core.state.data.labels.find((label) => same(label.name, name));

function labelOf(call: Call): Label {
  const label = find(call.core, call.params.name ?? '');
  if (label === undefined) throw notFound();
  return label;
}

/** Label names as the repository spells them, without repeats; unknown ones are created, as GitHub does. */
export function useLabels(core: Core, names: readonly string[]): string[] {
  const used = names
    .filter((name) => name.trim() !== '')
    .map((name) => {
      const known = find(core, name);
      if (known !== undefined) return known.name;
      core.state.data.labels.push({ id: core.state.newId(), name, color: 'ededed', description: '' });
      return name;
    });
  return [...new Set(used)];
}

export const listLabels: Handler = async (call) => {
  return listing(call, call.core.state.data.labels, (label) => renderLabel(call.core, label.name));
};

export const getLabel: Handler = async (call) => ok(renderLabel(call.core, labelOf(call).name));

function colorOf(call: Call): string | undefined {
  const color = textField(call, 'color');
  if (color !== undefined && !/^[0-9a-fA-F]{6}$/.test(color))
    throw invalid({ resource: 'Label', code: 'invalid', field: 'color' });
  return color?.toLowerCase();
}

export const createLabel: Handler = async (call) => {
  const { core } = call;
  const name = textField(call, 'name') ?? '';
  if (name.trim() === '') throw missingField('Label', 'name');
  if (find(core, name) !== undefined)
    throw invalid({ resource: 'Label', code: 'already_exists', field: 'name' });
  core.state.data.labels.push({
    id: core.state.newId(),
    name,
    color: colorOf(call) ?? 'ededed',
    description: textField(call, 'description') ?? '',
  });
  await core.state.save();
  const shape = renderLabel(core, name);
  return created(shape, shape.url);
};

export const patchLabel: Handler = async (call) => {
  const label = labelOf(call);
  const name = textField(call, 'new_name') ?? label.name;
  for (const issue of call.core.state.data.issues)
    issue.labels = issue.labels.map((entry) => (same(entry, label.name) ? name : entry));
  label.name = name;
  label.color = colorOf(call) ?? label.color;
  label.description = textField(call, 'description') ?? label.description;
  await call.core.state.save();
  return ok(renderLabel(call.core, name));
};

export const deleteLabel: Handler = async (call) => {
  const label = labelOf(call);
  const { labels, issues } = call.core.state.data;
  labels.splice(labels.indexOf(label), 1);
  for (const issue of issues) issue.labels = issue.labels.filter((name) => !same(name, label.name));
  await call.core.state.save();
  return empty();
};

async function setLabels(call: Call, change: (before: string[], named: string[]) => string[]) {
  const issue = issueOf(call);
  const named = useLabels(call.core, listField(call, 'labels') ?? []);
  issue.labels = change(issue.labels, named);
  issue.updatedAt = call.core.now();
  await call.core.state.save();
  return ok(issue.labels.map((name) => renderLabel(call.core, name)));
}

export const listIssueLabels: Handler = async (call) =>
  ok(issueOf(call).labels.map((name) => renderLabel(call.core, name)));

export const addIssueLabels: Handler = (call) =>
  setLabels(call, (before, named) => [...new Set([...before, ...named])]);

export const replaceIssueLabels: Handler = (call) => setLabels(call, (_before, named) => named);

export const removeAllIssueLabels: Handler = async (call) => {
  await setLabels(call, () => []);
  return empty();
};

export const removeIssueLabel: Handler = async (call) => {
  const name = call.params.name ?? '';
  if (!issueOf(call).labels.some((label) => same(label, name))) throw notFound();
  return setLabels(call, (before) => before.filter((label) => !same(label, name)));
};
