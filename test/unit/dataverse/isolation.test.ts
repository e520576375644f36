import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { adviseRowsPerRequest, chooseIsolation, chooseSending } from '../../../src/dataverse/isolation.ts';
import { createCostMeter, type SendCosts } from '../../../src/dataverse/send-costs.ts';
import { createRandom } from 'dataverse-emulator';

const published: SendCosts = { requestMs: 150, rowMs: 24.7, operationMs: 100, badShare: 0 };
const bounds = { tableType: 'Standard', maxRequestMs: 10_000 } as const;

describe('rows per request', () => {
  it('fill the time of a request while no row is bad', () => {
    expect(adviseRowsPerRequest(published, bounds)).toBe(398);
    expect(adviseRowsPerRequest(published, { ...bounds, maxRows: 100 })).toBe(100);
    expect(adviseRowsPerRequest(published, { ...bounds, maxRequestMs: 100 })).toBe(1);
  });

  it('get fewer with the share of bad rows, down to about fifteen at one in a hundred', () => {
    const at = (badShare: number) => adviseRowsPerRequest({ ...published, badShare }, bounds);
    expect(at(0.0001)).toBeGreaterThan(150);
    expect(at(0.001)).toBeGreaterThan(40);
    expect(at(0.001)).toBeLessThan(120);
    expect(at(0.01)).toBeGreaterThan(10);
    expect(at(0.01)).toBeLessThan(30);
  });

  it('leave messages for batches where most of them would be rolled back', () => {
    const costs = { ...published, badShare: 0.3 };
    const rows = adviseRowsPerRequest(costs, bounds);
    expect(chooseSending(rows, costs)).toBe('batch');
    expect(rows).toBe(98);
    expect(chooseSending(100, published)).toBe('message');
  });

  it('are not fewer for bad rows on elastic tables, which roll nothing back', () => {
    const costs = { ...published, badShare: 0.1 };
    expect(adviseRowsPerRequest(costs, { ...bounds, tableType: 'Elastic' })).toBe(100);
  });

  it('stay within their bounds, whatever was measured', () => {
    const costs = fc.record({
      requestMs: fc.double({ min: 0, max: 60_000, noNaN: true }),
      rowMs: fc.double({ min: 1, max: 5_000, noNaN: true }),
      operationMs: fc.double({ min: 1.5, max: 20_000, noNaN: true }),
      badShare: fc.double({ min: 0, max: 1, noNaN: true }),
    });
    fc.assert(
      fc.property(costs, fc.integer({ min: 1, max: 1_000 }), (some, maxRows) => {
        const rows = adviseRowsPerRequest(some, { ...bounds, maxRows });
        expect(rows).toBeGreaterThanOrEqual(1);
        expect(rows).toBeLessThanOrEqual(maxRows);
      }),
      { numRuns: 200 },
    );
  });
});

describe('finding a bad row', () => {
  it('goes by halves where single operations are dear and bad rows are rare, else by one batch', () => {
    const costs = { ...published, badShare: 0.0001 };
    expect(chooseIsolation(400, costs)).toBe('halve');
    expect(chooseIsolation(8, costs)).toBe('batch');
    expect(chooseIsolation(400, { ...costs, operationMs: 30 })).toBe('batch');
    expect(chooseIsolation(400, { ...costs, badShare: 0.05 })).toBe('batch');
  });
});

describe('the cost meter', () => {
  it('starts from published figures', () => {
    const { requestMs, rowMs, operationMs, badShare } = createCostMeter().costs();
    expect(requestMs).toBeCloseTo(150);
    expect(rowMs).toBeCloseTo(25);
    expect(operationMs).toBeCloseTo(100);
    expect(badShare).toBeCloseTo(0.001);
  });

  it('finds the line under noise, and follows when it moves', () => {
    const meter = createCostMeter();
    const random = createRandom(7);
    const learn = (base: number, slope: number) => {
      for (let n = 0; n < 200; n += 1) {
        const rows = 1 + Math.floor(random.next() * 100);
        meter.noteMessage(rows, (base + slope * rows) * (0.9 + random.next() * 0.2));
      }
      return meter.costs();
    };
    const before = learn(300, 10);
    expect(before.rowMs).toBeGreaterThan(8);
    expect(before.rowMs).toBeLessThan(12);
    const after = learn(100, 40);
    expect(after.rowMs).toBeGreaterThan(35);
    expect(after.rowMs).toBeLessThan(45);
  });

  it('explains messages of one size without a negative cost', () => {
    const meter = createCostMeter();
    for (let n = 0; n < 100; n += 1) meter.noteMessage(100, 500);
    const { requestMs, rowMs } = meter.costs();
    expect(requestMs).toBeGreaterThanOrEqual(0);
    expect(requestMs + 100 * rowMs).toBeGreaterThan(400);
    expect(requestMs + 100 * rowMs).toBeLessThan(600);
  });

  it('counts refusals, and forgets them slowly', () => {
    const meter = createCostMeter();
    for (let n = 0; n < 10_000; n += 1) meter.noteRow(n % 100 === 0 ? 'refused' : 'taken');
    expect(meter.costs().badShare).toBeCloseTo(0.01, 3);
    for (let n = 0; n < 100_000; n += 1) meter.noteRow('taken');
    expect(meter.costs().badShare).toBeLessThan(0.001);
  });
});
