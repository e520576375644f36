import { prepareEngine } from './engine.ts';
import type { Job, Measured } from './job.ts';
import { watchLoop } from './loop-watch.ts';
import { preparePlain } from './plain.ts';

/** One process of the bench: takes a job as JSON, does it, prints what it measured as JSON. */
const job = JSON.parse(process.argv[2] ?? '{}') as Job;

const send = await (job.way === 'engine' ? prepareEngine(job) : preparePlain(job));
if (job.warmUpRows > 0) await send(job.warmUpRows);

const loop = watchLoop();
const [begin, cpuBegin, threadBegin] = [performance.now(), process.cpuUsage(), process.threadCpuUsage()];
const rows = await send(job.rows);
const seconds = (performance.now() - begin) / 1_000;
const microsecondsPerRow = ({ user, system }: NodeJS.CpuUsage): number => (user + system) / rows;
const threadMicrosecondsPerRow = microsecondsPerRow(process.threadCpuUsage(threadBegin));
const cpuMicrosecondsPerRow = microsecondsPerRow(process.cpuUsage(cpuBegin));
const blocks = loop.stop();

const measured: Measured = {
  rows,
  rowsPerSecond: rows / seconds,
  threadMicrosecondsPerRow,
  cpuMicrosecondsPerRow,
  ...blocks,
  peakMegabytes: process.resourceUsage().maxRSS / 1024,
};
console.log(JSON.stringify(measured));
process.exit(0);
