import { authenticate, bearerToken, callerOf, UnauthorizedError } from '../auth/authenticate.ts';
import type { Tokens } from '../auth/tokens.ts';
import { errorCodes, ODataError } from '../errors.ts';
import { faultError, htmlError } from '../faults/fault-responses.ts';
import type { FaultRule, FaultRules } from '../faults/fault-rules.ts';
import type { LatencyModel, Work } from '../latency/latency-model.ts';
import type { Facet } from '../limits/limit-settings.ts';
import type { Arrival, ServiceProtection } from '../limits/service-protection.ts';
import { parsePreferences } from '../odata/preferences.ts';
import { parseResourcePath } from '../odata/resource-path.ts';
import { runBatch, type BatchRunner } from '../operations/batch.ts';
import { errorResponse } from '../operations/error-response.ts';
import { toldNowMs, type ApiRequest, type ApiResponse, type Environment } from '../operations/operation.ts';
import type { FirstUse } from './first-use.ts';
import { route } from '../operations/route.ts';
import type { ApplicationUserSetting, SettingsPatch } from '../settings/settings.ts';
import { createGuid } from '../basics/guid.ts';
import type { Transaction } from '../store/database.ts';
import { Execution, type Executions } from './execution.ts';
import { failureResponse, refusalResponse } from './failure-responses.ts';
import type { Hints } from './hints.ts';
import { commonHeaders } from './response-headers.ts';
import type { ServerRouting } from './routing.ts';
import type { Traffic } from './traffic.ts';
import { deliveryOf, type WireRequest, type WireResponse } from './wire.ts';

export interface WebApiParts {
  readonly environment: Environment;
  readonly protection: ServiceProtection;
  readonly latency: LatencyModel;
  readonly tokens: Tokens;
  readonly faults: FaultRules;
  readonly routing: ServerRouting;
  readonly traffic: Traffic;
  readonly executions: Executions;
  readonly firstUse: FirstUse;
  readonly hints: Hints;
  readonly changeSettings: (patch: SettingsPatch) => void;
}

const defaultRetryAfterSeconds = 30;
const throttleFacets: Partial<Record<FaultRule['kind'], Facet>> = {
  throttleRequests: 'requests',
  throttleExecutionTime: 'executionTime',
  throttleConcurrency: 'concurrency',
};

/** One request of the Web API from token to answer. */
export class WebApi {
  readonly #parts: WebApiParts;
  readonly #clientCookie: string;
  #isClosed = false;

  constructor(parts: WebApiParts) {
    this.#parts = parts;
    this.#clientCookie = createGuid(parts.environment.random);
  }

  /** Work that has not committed yet never will. */
  close(): void {
    this.#isClosed = true;
  }

  async handle(request: WireRequest): Promise<WireResponse> {
    const { environment, routing, traffic } = this.#parts;
    const chosen = routing.choose(environment.settings(), request.headers['cookie']);
    const requestId = createGuid(environment.random);
    if (chosen === undefined) return this.#nobodyThere();
    const { server, pinned } = chosen;
    traffic.arrive(server);
    let user: ApplicationUserSetting | undefined;
    let rule: FaultRule | undefined;
    let response: ApiResponse;
    try {
      user = authenticate(environment, this.#parts.tokens, request.headers);
      rule = this.#strike(request, user, server);
      const execution = new Execution(requestId, server, environment.clock.now());
      response = await this.#admitAndRun(request, user, execution, { rule, pinned });
    } catch (error) {
      response = failureResponse(environment, error, parsePreferences(request.headers['prefer']));
    }
    traffic.answer(response.status);
    return this.#finish(request, { response, user, server, requestId, rule });
  }

  /** Every server is out: the gateway answers. */
  #nobodyThere(): WireResponse {
    const { status, headers, body } = htmlError({ kind: 'htmlError', match: {}, status: 503 });
    this.#parts.traffic.answer(status);
    const date = ['Date', new Date(toldNowMs(this.#parts.environment)).toUTCString()] as const;
    return { status, headers: [date, ...Object.entries(headers)], body, delivery: 'whole', delayMs: 0 };
  }

  #strike(request: WireRequest, user: ApplicationUserSetting, server: number): FaultRule | undefined {
    const { faults, tokens, changeSettings, environment } = this.#parts;
    const rule = faults.strike({ method: request.method, url: request.url, user: user.clientId, server });
    if (rule?.kind === 'revokeToken') {
      tokens.revoke(bearerToken(request.headers) ?? '');
      throw new UnauthorizedError('BadAuthTicket');
    }
    if (rule?.kind === 'hint') changeSettings({ hint: rule.hint ?? null });
    if (rule?.kind === 'serverOut') changeSettings({ serversOut: [...environment.settings().serversOut, server] });
    return rule;
  }

  async #admitAndRun(
    request: WireRequest,
    user: ApplicationUserSetting,
    execution: Execution,
    { rule, pinned }: { readonly rule: FaultRule | undefined; readonly pinned: boolean },
  ): Promise<ApiResponse> {
    const { environment, protection, traffic, executions } = this.#parts;
    const { server } = execution;
    const arrival = { ...this.#arrival(request, user, server), pinned };
    const imposed = rule === undefined || rule.part !== undefined ? undefined : this.#impose(arrival, rule);
    if (imposed !== undefined) return imposed;
    const admission = protection.tryAdmit(arrival);
    if (!admission.admitted) {
      traffic.refuse(server);
      return refusalResponse(environment, admission);
    }
    traffic.start(server);
    try {
      return await executions.track(execution, () => this.#run(request, user, execution, rule));
    } finally {
      traffic.end(server);
      protection.complete(admission.ticket, environment.clock.now(), execution.executionMs);
    }
  }

  #arrival({ method }: WireRequest, { clientId }: ApplicationUserSetting, server: number): Arrival {
    const isWrite = method !== 'GET' && method !== 'HEAD';
    return { user: clientId, server, isWrite, nowMs: this.#parts.environment.clock.now() };
  }

  /** The refusal a fault rule stands for; `undefined` for rules of another kind. */
  #impose(arrival: Arrival, rule: FaultRule): ApiResponse | undefined {
    const facet = throttleFacets[rule.kind];
    if (facet === undefined) return undefined;
    const { environment, protection, traffic } = this.#parts;
    const seconds = rule.retryAfterSeconds === undefined ? defaultRetryAfterSeconds : rule.retryAfterSeconds;
    const refusal = protection.impose(arrival, facet, seconds);
    traffic.refuse(arrival.server);
    const body = rule.body ?? (rule.part === undefined ? 'error' : 'message');
    return refusalResponse(environment, refusal, { body, withoutWait: seconds === null });
  }

  async #run(
    wire: WireRequest,
    user: ApplicationUserSetting,
    execution: Execution,
    rule: FaultRule | undefined,
  ): Promise<ApiResponse> {
    const { environment } = this.#parts;
    if (rule?.kind === 'resetBefore') return { status: 0, headers: {}, body: '' };
    if (rule?.kind === 'htmlError') return htmlError(rule);
    if (rule?.kind === 'serverOut') return htmlError({ ...rule, status: 502 });
    const path = parseResourcePath(wire.url, 'request');
    if (wire.body === undefined) {
      throw new ODataError(
        413,
        errorCodes.requestTooLarge,
        `The request is larger than ${environment.settings().maxBodyBytes} bytes.`,
      );
    }
    const error = rule === undefined || rule.part !== undefined ? undefined : faultError(rule);
    if (error !== undefined) throw error;
    if (rule?.kind === 'lateCommit') execution.endsAtMs += rule.delayMs ?? 0;
    const preferences = parsePreferences(wire.headers['prefer']);
    const request: ApiRequest = {
      method: wire.method,
      path,
      headers: wire.headers,
      preferences,
      body: wire.body,
      requestId: execution.requestId,
      caller: callerOf(environment, user, wire.headers),
    };
    const spend = (work: Work): Promise<void> => this.#spend(execution, work);
    const transact = (run: (transaction: Transaction) => ApiResponse): ApiResponse =>
      this.#transact(request, execution, run);
    if (path.segments.length === 1 && path.segments[0]?.name === '$batch') {
      if (wire.method !== 'POST')
        throw new ODataError(
          405,
          errorCodes.urlNotParsed,
          `The requested resource does not support http method '${wire.method}'.`,
        );
      const refusePart = this.#partRefuser(wire, user, execution, rule);
      return runBatch(environment, request, { spend, transact, refusePart });
    }
    const plan = route(environment, request);
    await spend(plan.work);
    return transact((transaction) => plan.execute(transaction));
  }

  #partRefuser(
    wire: WireRequest,
    user: ApplicationUserSetting,
    execution: Execution,
    rule: FaultRule | undefined,
  ): BatchRunner['refusePart'] {
    const { environment, protection } = this.#parts;
    return (operation) => {
      const arrival = this.#arrival(wire, user, execution.server);
      if (rule?.part === operation) {
        const error = faultError(rule);
        return error === undefined ? this.#impose(arrival, rule) : errorResponse(error, undefined);
      }
      if (!environment.settings().limitBatchParts) return undefined;
      const refusal = protection.tryPart(arrival, execution.executionMs);
      return refusal === undefined ? undefined : refusalResponse(environment, refusal, { body: 'message' });
    };
  }

  async #spend(execution: Execution, work: Work): Promise<void> {
    const { environment, latency, traffic, firstUse } = this.#parts;
    const { sqlTimeoutMs, firstUseMs } = environment.settings();
    const preparationMs =
      work.firstUse === undefined || firstUseMs === null
        ? 0
        : firstUse.enter(work.firstUse, environment.clock.now(), firstUseMs);
    const whole = preparationMs === 0 ? work : { ...work, extraMs: (work.extraMs ?? 0) + preparationMs };
    const { totalMs, executionMs } = latency.duration(whole, traffic.running, execution.endsAtMs);
    const isTooLong = sqlTimeoutMs !== null && work.kind === 'bulk' && executionMs > sqlTimeoutMs;
    execution.endsAtMs += isTooLong ? sqlTimeoutMs : totalMs;
    execution.executionMs += isTooLong ? sqlTimeoutMs : executionMs;
    await environment.clock.until(execution.endsAtMs);
    if (isTooLong) throw faultError({ kind: 'sqlTimeout', match: {} }) ?? new Error('no SQL timeout');
  }

  #transact(request: ApiRequest, execution: Execution, run: (transaction: Transaction) => ApiResponse): ApiResponse {
    const { environment } = this.#parts;
    if (execution.isLost) throw new ODataError(502, errorCodes.unexpected, 'The server is gone.');
    if (this.#isClosed) throw new ODataError(503, errorCodes.unexpected, 'The emulator is closing.');
    const transaction = environment.database.begin();
    try {
      const response = run(transaction);
      transaction.commit({
        requestId: request.requestId,
        user: request.caller.user.clientId,
        atMs: environment.clock.now(),
      });
      return response;
    } catch (error) {
      transaction.rollback();
      throw error;
    }
  }

  #finish(
    request: WireRequest,
    result: {
      response: ApiResponse;
      user: ApplicationUserSetting | undefined;
      server: number;
      requestId: string;
      rule: FaultRule | undefined;
    },
  ): WireResponse {
    const { environment, routing, protection, hints } = this.#parts;
    const { response, user, server, requestId, rule } = result;
    const isGateway = response.headers['Content-Type']?.startsWith('text/html') === true;
    const common = isGateway
      ? []
      : commonHeaders({
          hint: hints.next(environment.settings()),
          requestId,
          activityId: createGuid(environment.random),
          clientRequestId: request.headers['x-ms-client-request-id'],
          server,
          affinityCookie: routing.cookieOf(server),
          clientCookie: this.#clientCookie,
          remaining: protection.remaining(user?.clientId ?? '', server, environment.clock.now()),
        });
    const skewMs = (rule?.kind === 'clockSkew' ? (rule.skewSeconds ?? 0) : 0) * 1000;
    return {
      status: response.status,
      headers: [
        ...common,
        ['Date', new Date(toldNowMs(environment) + skewMs).toUTCString()],
        ...Object.entries(response.headers).map(([name, value]) => [name, shifted(name, value, skewMs)] as const),
      ],
      body: response.body,
      delivery: deliveryOf(rule),
      delayMs: rule?.delayMs ?? 0,
    };
  }
}

/** A server whose `Date` is wrong reckons the date of a `Retry-After` by the same clock. */
function shifted(name: string, value: string, skewMs: number): string {
  const isDate = name === 'Retry-After' && value.endsWith('GMT');
  return isDate && skewMs !== 0 ? new Date(Date.parse(value) + skewMs).toUTCString() : value;
}
