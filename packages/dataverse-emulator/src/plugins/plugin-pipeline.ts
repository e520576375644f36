import { errorCodes, ODataError } from '../errors.ts';
import type { RowWork } from '../latency/latency-model.ts';
import type { ApiRequest, Environment } from '../operations/operation.ts';
import type { TableModel } from '../schema/table-model.ts';
import type { JsonObject } from '../basics/json.ts';
import type { Transaction } from '../store/database.ts';
import type { PluginMessage, PluginStub } from './plugin-stub.ts';

type Headers = ApiRequest['headers'];

/** Which stubs a request leaves out: learn.microsoft.com/power-apps/developer/data-platform/bypass-custom-business-logic */
function bypassOf(headers: Headers): (stub: PluginStub) => boolean {
  const kinds = (headers['mscrm.bypassbusinesslogicexecution'] ?? '').toLowerCase().split(',');
  const trimmed = new Set(kinds.map((kind) => kind.trim()));
  if (headers['mscrm.bypasscustompluginexecution']?.toLowerCase() === 'true') trimmed.add('customsync');
  const stepIds = new Set(
    (headers['mscrm.bypassbusinesslogicexecutionstepids'] ?? '').split(',').map((id) => id.trim().toLowerCase()),
  );
  return ({ mode, stepId }) =>
    trimmed.has(mode === 'sync' ? 'customsync' : 'customasync') ||
    (stepId !== null && stepIds.has(stepId.toLowerCase()));
}

/** The stubs of one table that a request runs. */
export function stubsOf(
  environment: Environment,
  { logicalName }: TableModel,
  headers: Headers,
): readonly PluginStub[] {
  const { plugins } = environment.settings();
  if (plugins.length === 0) return plugins;
  const isBypassed = bypassOf(headers);
  return plugins.filter((stub) => stub.table === logicalName && !isBypassed(stub));
}

/** By kind of row work; an upsert is charged the dearer of its two ways. */
const messagesOf: Readonly<Record<RowWork, readonly PluginMessage[]>> = {
  create: ['Create'],
  update: ['Update'],
  upsert: ['Create', 'Update', 'Upsert'],
  upsertByKey: ['Create', 'Update', 'Upsert'],
  delete: ['Delete'],
};

/** What synchronous stubs add to the duration of this work. */
export function pluginMs(stubs: readonly PluginStub[], rows: Readonly<Partial<Record<RowWork, number>>>): number {
  let sum = 0;
  for (const [work, messages] of Object.entries(messagesOf) as [RowWork, readonly PluginMessage[]][]) {
    const delays = messages.map((message) =>
      stubs.reduce((ms, stub) => ms + (stub.mode === 'sync' && stub.message === message ? stub.delayMs : 0), 0),
    );
    sum += (rows[work] ?? 0) * Math.max(...delays);
  }
  return sum;
}

/** Throws when a plug-in is registered and the message is larger than what can be handed to it. */
export function assertContextFits(environment: Environment, stubs: readonly PluginStub[], body: string): void {
  const { pluginContextMaxBytes } = environment.settings();
  if (stubs.length === 0 || body.length <= pluginContextMaxBytes) return;
  const size = (body.length / 1024 / 1024).toFixed(2);
  throw new ODataError(
    400,
    errorCodes.unexpected,
    `Message size exceeded when sending context to Sandbox. Message size: ${size} Mb`,
  );
}

/** Runs the stubs of one request on its rows. */
export class PluginPipeline {
  readonly #environment: Environment;
  readonly #request: ApiRequest;
  readonly #transaction: Transaction;

  constructor(environment: Environment, request: ApiRequest, transaction: Transaction) {
    this.#environment = environment;
    this.#request = request;
    this.#transaction = transaction;
  }

  /** Throws what a stub that refuses or crashes answers. */
  run(model: TableModel, message: PluginMessage, body: JsonObject): void {
    for (const stub of stubsOf(this.#environment, model, this.#request.headers)) {
      const fits = Object.entries(stub.where).every(([name, value]) => body[name] === value);
      if (stub.message !== message || !fits) continue;
      if (stub.mode === 'async') this.#transaction.afterCommit(() => this.#record(stub, 'passed'));
      else this.#runNow(stub);
    }
  }

  #runNow(stub: PluginStub): void {
    this.#record(stub, stub.action === 'pass' ? 'passed' : stub.action === 'refuse' ? 'refused' : 'crashed');
    if (stub.action === 'refuse') throw new ODataError(400, errorCodes.pluginRefused, stub.text);
    if (stub.action === 'crash') {
      throw new ODataError(
        500,
        errorCodes.pluginCrashed,
        'An unexpected error occurred from ISV code. (ErrorType = ClientError) Unexpected exception from plug-in (Execute)',
      );
    }
  }

  #record({ table, message, mode }: PluginStub, outcome: 'passed' | 'refused' | 'crashed'): void {
    const { plugins, clock } = this.#environment;
    const { requestId, caller, path } = this.#request;
    const tag = path.query.get('tag') ?? null;
    plugins.record({ requestId, user: caller.user.clientId, table, message, mode, outcome, tag, atMs: clock.now() });
  }
}
