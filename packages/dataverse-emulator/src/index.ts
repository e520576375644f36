export { startEmulator, type Emulator, type EmulatorCounters, type EmulatorOptions } from './emulator.ts';
export type { WireRequest, WireResponse } from './http/wire.ts';
export type { FaultKind, FaultMatch, FaultRule } from './faults/fault-rules.ts';
export { FaultRuleError } from './faults/fault-rules.ts';
export {
  LatencyModel,
  type Duration,
  type LatencySettings,
  type RequestKind,
  type RowWork,
  type Work,
} from './latency/latency-model.ts';
export type { Facet, LimitSettings, RetryAfterSettings } from './limits/limit-settings.ts';
export { refusalMessage } from './limits/refusal-message.ts';
export {
  ServiceProtection,
  type Admission,
  type Arrival,
  type LimitCounters,
  type Refusal,
  type Ticket,
} from './limits/service-protection.ts';
export type {
  ColumnDefinition,
  ColumnType,
  KeyDefinition,
  OptionDefinition,
  TableDefinition,
} from './schema/definitions.ts';
export { parseSchema, SchemaError } from './schema/parse-schema.ts';
export { SettingsPatchError } from './settings/patch-settings.ts';
export { defaultClientId, profiles } from './settings/profiles.ts';
export type { ApplicationUserSetting, Settings, SettingsPatch } from './settings/settings.ts';
export { scaledClock, systemClock, virtualClock, type Clock, type VirtualClock } from './basics/clock.ts';
export { createRandom, type Random } from './basics/random.ts';
export type { PluginCall } from './plugins/plugin-log.ts';
export type { PluginMessage, PluginStub } from './plugins/plugin-stub.ts';
export type { JournalEntry } from './store/journal.ts';
export { hashTable } from './store/table-hash.ts';
