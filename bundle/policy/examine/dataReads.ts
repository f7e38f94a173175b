import { compareCodePoints } from '../../format/canonicalJson.ts';
import { createDocumentReads, type KnownDocuments } from './documentReads.ts';
import { isCallerName, type Kind, type KindOf } from './kinds.ts';
import { apiFields, type PolicyReads } from './policyReads.ts';
import { constant, type Term } from './syntax.ts';
import type { Found } from './walkModules.ts';

type ApiField = (typeof apiFields)[number];

/**
 * Gathers what a policy reads of data.json. `read` takes what stands behind `data` and says what is wrong with it, or null:
 * of it a decision gets the entries of the API, the caller and its groups only.
 */
export function createDataReads(documents: KnownDocuments, kindOf: KindOf) {
  const documentReads = createDocumentReads(documents, kindOf);
  const api = new Set<ApiField>();
  let networks = false;

  const readApi = (field: Term | undefined): string | null => {
    const name = constant(field);
    const known = apiFields.find((one) => one === name);
    if (known !== undefined) api.add(known);
    else if (name === null) for (const one of apiFields) api.add(one);
    else return `an API's entry has no ${name}, expected one of ${apiFields.join(', ')}`;
    return null;
  };

  const read = ([part, key, next]: readonly Term[], found: Found): string | null => {
    const kind = (term: Term | undefined): Kind | null => kindOf(term, found.scope);
    switch (constant(part)) {
      case 'grantgate':
        return constant(key) === 'authz' && constant(next) !== null
          ? null
          : 'of data.grantgate only a rule below data.grantgate.authz can be named';
      case 'apis':
        return kind(key) === 'api' ? readApi(next) : 'of data.apis a decision gets data.apis[input.api] only';
      case 'documents':
        return documentReads.read(key, next, found);
      case 'networks':
        networks = true;
        return null;
      case 'principals':
        return kind(key) === 'subject'
          ? null
          : 'of data.principals a decision gets data.principals[input.subject] only';
      case 'grants':
        return kind(key) === 'api' && isCallerName(kind(next))
          ? null
          : 'of data.grants a decision gets data.grants[input.api][name] only, where name is surely input.subject or one of the groups of the caller (input.groups, data.principals[input.subject].groups)';
      case null:
        return 'data must be read by a name that stands there, expected apis, documents, grants, networks or principals';
      default:
        return `a decision does not get data.${constant(part)}, expected apis, documents, grants, networks or principals`;
    }
  };

  const all = (): Pick<PolicyReads, 'api' | 'documents' | 'networks'> => ({
    api: [...api].sort(compareCodePoints),
    networks,
    ...documentReads.all(),
  });
  return { read, all };
}
