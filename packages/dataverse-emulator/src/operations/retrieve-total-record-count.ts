import { errorCodes, invalidRequest, ODataError } from '../errors.ts';
import { apiRoot, jsonResponse, readWork, type ApiRequest, type Environment, type Plan } from './operation.ts';

/** `RetrieveTotalRecordCount(EntityNames=['account'])`. Here always fresh; the real answer may be a day old. */
export function retrieveTotalRecordCount(environment: Environment, request: ApiRequest, argument: string): Plan {
  return {
    work: readWork,
    execute: () => {
      const names = entityNames(argument, request.path.query);
      const counts = names.map((name) => {
        const store = environment.database.table(name);
        if (store === undefined) {
          throw new ODataError(
            404,
            errorCodes.objectDoesNotExist,
            `The entity with a name = '${name}' was not found in the MetadataCache.`,
          );
        }
        return store.count;
      });
      return jsonResponse(200, {
        '@odata.context': `${apiRoot(environment, request)}/$metadata#Microsoft.Dynamics.CRM.RetrieveTotalRecordCountResponse`,
        EntityRecordCountCollection: { Count: names.length, IsReadOnly: false, Keys: names, Values: counts },
      });
    },
  };
}

function entityNames(argument: string, query: ReadonlyMap<string, string>): readonly string[] {
  const value = argument.replace(/^EntityNames=/, '');
  const list = value.startsWith('@') ? (query.get(value) ?? '') : value;
  const names = list.replaceAll("'", '"');
  try {
    const parsed: unknown = JSON.parse(names);
    if (Array.isArray(parsed)) return parsed.map(String);
  } catch {
    // Falls through to the refusal below.
  }
  throw invalidRequest(`EntityNames must be a list of table names; found ${argument}.`);
}
