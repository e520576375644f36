import { Module } from 'node:module';
import type { Log, LogLevel } from '../log.ts';
import type { RpcInvocationResponse, RpcTypedData } from './rpc.ts';

/**
 * `@azure/functions-core` is no package: the Functions worker makes it appear. This is ours. One per process, because the
 * programming model asks for it once and keeps the answer; what an app registers goes to the registrations collected at that time.
 */
export type FunctionCallback = (...args: unknown[]) => unknown;
export type HookCallback = (context: HookContext) => unknown;
export type HookContext = Record<string, unknown>;

export interface Binding {
  readonly type: string;
  readonly direction: 'in' | 'out' | 'inout';
  readonly [option: string]: unknown;
}

export interface FunctionMetadata {
  readonly name: string;
  readonly functionId?: string;
  readonly bindings: Readonly<Record<string, Binding>>;
  readonly retryOptions?: unknown;
}

export interface RegisteredFunction {
  readonly id: string;
  readonly metadata: FunctionMetadata;
  readonly callback: FunctionCallback;
}

/** What a function hears of the attempts before this one. */
export interface RetryContext {
  readonly retryCount: number;
  readonly maxRetryCount: number;
  readonly exception: { readonly message: string };
}

export interface CoreInvocationContext {
  readonly invocationId: string;
  readonly request: {
    readonly invocationId: string;
    readonly functionId: string;
    readonly inputData: readonly { readonly name: string; readonly data: RpcTypedData }[];
    readonly triggerMetadata: Readonly<Record<string, RpcTypedData>>;
    readonly retryContext?: RetryContext;
    readonly traceContext?: { readonly traceParent: string; readonly traceState: string; readonly attributes: object };
  };
  readonly metadata: FunctionMetadata;
  state: 'preInvocationHooks' | 'invocation' | 'postInvocationHooks' | undefined;
  log(level: LogLevel, category: string, message: string): void;
}

export interface InvocationModel {
  getArguments(): Promise<{ context: unknown; inputs: unknown[] }>;
  invokeFunction(context: unknown, inputs: unknown[], callback: FunctionCallback): Promise<unknown>;
  getResponse(context: unknown, result: unknown): Promise<RpcInvocationResponse>;
}

/** The part of `@azure/functions` that the host drives. */
export interface ProgrammingModel {
  readonly name: string;
  readonly version: string;
  getInvocationModel(context: CoreInvocationContext): InvocationModel;
  getCapabilities(defaults: Record<string, string>): Promise<Record<string, string>> | Record<string, string>;
}

const hookNames = ['appStart', 'appTerminate', 'preInvocation', 'postInvocation', 'log'] as const;
export type HookName = (typeof hookNames)[number];

/** Everything one app registers. */
export interface AppRegistrations {
  readonly functions: Map<string, RegisteredFunction>;
  readonly hooks: Record<HookName, HookCallback[]>;
  readonly appHookData: Record<string, unknown>;
  readonly appLevelHookData: Record<string, unknown>;
  locked: boolean;
  log: Log;
}

export function createRegistrations(log: Log): AppRegistrations {
  const hooks = { appStart: [], appTerminate: [], preInvocation: [], postInvocation: [], log: [] };
  return { functions: new Map(), hooks, appHookData: {}, appLevelHookData: {}, locked: false, log };
}

class Disposable {
  readonly #onDispose: () => void;
  constructor(onDispose: () => void) {
    this.#onDispose = onDispose;
  }
  static from(...parts: { dispose(): unknown }[]): Disposable {
    return new Disposable(() => parts.forEach((part) => part.dispose()));
  }
  dispose(): void {
    this.#onDispose();
  }
}

/** Version of the Functions host whose behaviour is offered; libraries compare it before they use newer features. */
const emulatedHostVersion = '4.1040.0';
const workerVersion = '3.12.0';

class CoreModule {
  readonly version = workerVersion;
  readonly hostVersion = emulatedHostVersion;
  readonly Disposable = Disposable;
  model: ProgrammingModel | undefined;
  target: AppRegistrations | undefined;

  readonly setProgrammingModel = (model: ProgrammingModel): void => {
    this.model = model;
  };

  readonly getProgrammingModel = (): ProgrammingModel | undefined => this.model;

  readonly registerFunction = (metadata: FunctionMetadata, callback: FunctionCallback): Disposable => {
    const target = this.current(`register function "${metadata.name}"`);
    const id = metadata.functionId ?? metadata.name;
    if (target.locked) throw systemError(Error, 'A function can only be registered during app startup.');
    if (target.functions.has(id)) throw systemError(Error, `A function with id "${id}" has already been registered.`);
    target.functions.set(id, { id, metadata, callback });
    return new Disposable(() => void target.functions.delete(id));
  };

  readonly registerHook = (name: string, callback: HookCallback): Disposable => {
    const known = hookNames.find((hook) => hook === name);
    if (!known) throw systemError(RangeError, `Unrecognized hook "${name}"`);
    const hooks = this.current(`register hook "${name}"`).hooks[known];
    hooks.push(callback);
    return new Disposable(() => {
      const index = hooks.indexOf(callback);
      if (index >= 0) hooks.splice(index, 1);
    });
  };

  readonly log = (level: LogLevel, category: string, message: string): void => {
    this.target?.log(level, category === 'user' ? 'Function' : 'Host.Worker', message);
  };

  private current(action: string): AppRegistrations {
    if (!this.target) throw systemError(Error, `Cannot ${action}: no app is being loaded.`);
    return this.target;
  }
}

function systemError(type: new (message: string) => Error, message: string): Error {
  return Object.assign(new type(message), { isAzureFunctionsSystemError: true });
}

const specifier = '@azure/functions-core';
const globalKey = Symbol.for('functions-host.core-module');

/**
 * Makes `@azure/functions-core` resolvable in this process, where the worker does it: in `require`
 * (github.com/Azure/azure-functions-nodejs-worker, src/setupCoreModule.ts). Hooks of the module loader would be the newer way, but
 * with a `load` hook Node 22.19 does not ask them for what CommonJS requires below an ES module, and fails over cycles in it.
 * Must run before the app loads `@azure/functions`.
 */
export function installCoreModule(): CoreModule {
  const globals = globalThis as typeof globalThis & { [globalKey]?: CoreModule };
  if (globals[globalKey]) return globals[globalKey];
  const core = new CoreModule();
  globals[globalKey] = core;
  const { prototype } = Module;
  // eslint-disable-next-line @typescript-eslint/unbound-method -- called on the module that asks, below
  const requireOther = prototype.require;
  prototype.require = function (this: Module, wanted: string): unknown {
    return wanted === specifier ? core : requireOther.call(this, wanted);
  };
  return core;
}
