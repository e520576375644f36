import { jsonAnswer } from '../http/answer.ts';
import type { Answer } from '../http/answer.ts';
import { tryParse } from '../json.ts';
import { entityInstanceId } from './actions.ts';
import type { DurableEngine } from './engine.ts';
import { flag, jsonBody, timeParameter } from './http-api.ts';
import type { ApiCall } from './http-api.ts';
import type { DurableOperations } from './operations.ts';

const defaultPageSize = 100;

/** `entities/...` of the Durable HTTP API. */
export function entityRoutes(engine: DurableEngine, operations: DurableOperations, call: ApiCall): Answer {
  const [, name, key] = call.segments;
  if (name === undefined || key === undefined)
    return call.method === 'GET' ? listEntities(engine, call, name) : { status: 404 };
  const entity = { name: name.toLowerCase(), key: key === '$' ? '' : key };
  switch (call.method) {
    case 'GET': {
      const row = engine.host.store.entity(entityInstanceId(entity));
      if (row?.present !== 1) return { status: 404 };
      return { status: 200, headers: { 'content-type': 'application/json' }, body: row.state ?? 'null' };
    }
    case 'POST':
      operations.signalEntity(entity, call.query.get('op') ?? '', jsonBody(call.body) ?? undefined);
      return { status: 202 };
    case 'DELETE':
      operations.signalEntity(entity, 'delete', undefined);
      return { status: 202 };
    default:
      return { status: 404 };
  }
}

function listEntities(engine: DurableEngine, call: ApiCall, name: string | undefined): Answer {
  const limit = Math.max(1, Number(call.query.get('top') ?? defaultPageSize) || defaultPageSize);
  const rows = engine.host.store.entities({
    name: name?.toLowerCase(),
    from: timeParameter(call.query, 'lastOperationTimeFrom'),
    to: timeParameter(call.query, 'lastOperationTimeTo'),
    after: Buffer.from(call.continuationToken ?? '', 'base64url').toString(),
    limit,
  });
  const fetchState = flag(call.query, 'fetchState', false);
  const documents = rows.map((row) => ({
    entityId: { name: row.name, key: row.key },
    lastOperationTime: new Date(row.updatedAt).toISOString(),
    ...(fetchState ? { state: row.state === null ? null : tryParse(row.state) } : {}),
  }));
  const last = rows.length === limit ? rows.at(-1) : undefined;
  return jsonAnswer(200, documents, {
    'x-ms-continuation-token': last ? Buffer.from(last.id).toString('base64url') : '',
  });
}
