import { randomUUID } from 'node:crypto';
import type { CoreInvocationContext, FunctionCallback, HookContext, HookName, RetryContext } from './core-module.ts';
import type { HostFunction } from './functions.ts';
import type { LoadedApp } from './load-app.ts';
import type { RpcInvocationResponse, RpcTypedData } from './rpc.ts';

export interface Invocation {
  readonly fn: HostFunction;
  readonly trigger: RpcTypedData | ReadyValue;
  readonly triggerMetadata?: Readonly<Record<string, RpcTypedData>>;
  readonly invocationId?: string;
  readonly retryContext?: RetryContext;
  readonly around?: Around;
}

/** Calls the function's code, up to where it first lets go of the event loop. */
export type Around = (code: () => unknown) => unknown;

/** A trigger's value as the function is to see it, where encoding it for the programming model and back would only cost time. */
export interface ReadyValue {
  readonly value: unknown;
}

/** Runs one function of the app through the programming model, hooks included. Rejects with what the function threw. */
export type Invoke = (invocation: Invocation) => Promise<RpcInvocationResponse>;

/** Makes an invoker. `clientInput` gives the document for durable client inputs, which depends on the host's address. */
export function createInvoker(app: LoadedApp, clientInput: () => string): Invoke {
  const { hooks, appHookData } = app.registrations;
  const runHooks = async (name: HookName, context: HookContext) => {
    for (const hook of hooks[name]) await hook(context);
  };

  return async (invocation) => {
    const core = coreContext(app, invocation, clientInput);
    const model = app.model.getInvocationModel(core);
    const { context, inputs } = await model.getArguments();
    if ('value' in invocation.trigger) inputs[0] = invocation.trigger.value;

    core.state = 'preInvocationHooks';
    const hookContext: HookContext = { hookData: {}, appHookData, invocationContext: context, inputs };
    hookContext['functionCallback'] = invocation.fn.registered.callback;
    await runHooks('preInvocation', hookContext);

    core.state = 'invocation';
    const callback = hookContext['functionCallback'] as FunctionCallback;
    const { around } = invocation;
    const called: FunctionCallback = around ? (...args) => around(() => callback(...args)) : callback;
    try {
      hookContext['result'] = await model.invokeFunction(context, hookContext['inputs'] as unknown[], called);
    } catch (error) {
      hookContext['error'] = error ?? new Error('Unknown error');
    }

    core.state = 'postInvocationHooks';
    await runHooks('postInvocation', hookContext);
    if (hookContext['error'] !== undefined && hookContext['error'] !== null) throw hookContext['error'] as Error;
    return await model.getResponse(context, hookContext['result']);
  };
}

function coreContext(app: LoadedApp, invocation: Invocation, clientInput: () => string): CoreInvocationContext {
  const { fn } = invocation;
  const invocationId = invocation.invocationId ?? randomUUID();
  const clients = fn.clientInputs.map((name) => ({ name, data: { string: clientInput() } }));
  return {
    invocationId,
    metadata: fn.registered.metadata,
    request: {
      invocationId,
      functionId: fn.registered.id,
      inputData: [{ name: fn.triggerName, data: 'value' in invocation.trigger ? {} : invocation.trigger }, ...clients],
      triggerMetadata: invocation.triggerMetadata ?? {},
      ...(invocation.retryContext && { retryContext: invocation.retryContext }),
      traceContext: { traceParent: newTraceParent(), traceState: '', attributes: {} },
    },
    state: undefined,
    log: (level, category, message) => writeLog(app, { level, message, category }, fn.name),
  };
}

/** A W3C trace context with a new trace, not sampled: this host collects no traces, but telemetry libraries expect one. */
function newTraceParent(): string {
  // Random ids that Node draws in advance; fresh random bytes for every activity would show in a profile.
  const [traceId, spanId] = [randomUUID(), randomUUID()].map((id) => id.replaceAll('-', ''));
  return `00-${traceId ?? ''}-${(spanId ?? '').slice(0, 16)}-00`;
}

interface LogEntry {
  readonly level: Parameters<CoreInvocationContext['log']>[0];
  readonly category: string;
  readonly message: string;
}

function writeLog(app: LoadedApp, entry: LogEntry, functionName: string): void {
  const { hooks, appHookData, log } = app.registrations;
  const context: HookContext = { hookData: {}, appHookData, ...entry };
  for (const hook of hooks.log) hook(context);
  const { level, message } = context as unknown as LogEntry;
  log(level, entry.category === 'user' ? `Function.${functionName}` : 'Host.Worker', message);
}
