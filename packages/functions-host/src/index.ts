export { createVirtualClock, systemClock } from './clock.ts';
export type { Clock, VirtualClock } from './clock.ts';
export type { ActivityFault, DeliveredActivity, Faults } from './durable/faults.ts';
export { StartError } from './errors.ts';
export { startHost } from './host.ts';
export type { Host, HostOptions } from './host.ts';
