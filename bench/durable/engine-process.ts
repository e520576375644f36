import { runWithoutDurable } from '../common/engine-without-durable.ts';

/** The engine without Durable in a process of its own: takes a run spec as JSON. */
await runWithoutDurable(JSON.parse(process.argv[2] ?? '{}'));
process.exit(0);
