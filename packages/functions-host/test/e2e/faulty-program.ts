import { startHost } from 'functions-host';
import { randomFaults } from './random-faults.ts';

/** `APPDIR DATADIR SEED`: serves an app like the program does, under faults, until it is killed. */
const [appDir = '', dataDir = '', seed = ''] = process.argv.slice(2);
const host = await startHost({ appDir, dataDir, port: 0, faults: randomFaults(Number(seed)) });
process.stdout.write(`functions-host ready at ${host.url}\n`);
