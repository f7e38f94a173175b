import { z } from 'zod';
import { exampleFile } from './api/example.ts';
import { reviewFile } from './reviewRules.ts';
import { accessFile, apiFile, directoryFile, networksFile, servicesFile } from './schema.ts';

const files = {
  api: { schema: apiFile, title: 'An API: grants/apis/NAME.yaml' },
  access: { schema: accessFile, title: 'Grants: grants/access/API/NAME.yaml' },
  directory: { schema: directoryFile, title: 'People and groups: grants/directory/PROVIDER.yaml' },
  services: { schema: servicesFile, title: 'Services: grants/directory/services.yaml' },
  networks: { schema: networksFile, title: 'Networks: grants/networks.yaml' },
  review: { schema: reviewFile, title: 'Review rules: grants/review.yaml' },
  tests: { schema: exampleFile, title: 'Example decisions: tests/NAME.yaml' },
};

/** The JSON Schemas (draft 2020-12) of the files under grants/, file name → text, as editors and CI use them. */
export function jsonSchemas(): Map<string, string> {
  return new Map(
    Object.entries(files).map(([name, { schema, title }]) => {
      // What is written by hand, before defaults are filled in.
      const generated = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
      return [`${name}.json`, `${JSON.stringify({ title, ...generated }, null, 2)}\n`];
    }),
  );
}
