import { describe, expect, it } from 'vitest';
import { chooseIsolation, chooseSending } from '../../../src/dataverse/isolation.ts';
import { createCostMeter, type SendCosts } from '../../../src/dataverse/send-costs.ts';
import { createRandom } from 'dataverse-emulator';

const published: SendCosts = { requestMs: 150, rowMs: 24.7, operationMs: 100, badShare: 0, largestBatch: 400 };

describe('a table with many bad rows', () => {
  it('gets batches where most messages would be rolled back', () => {
    expect(chooseSending(98, { ...published, badShare: 0.3 })).toBe('batch');
    expect(chooseSending(100, published)).toBe('message');
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

  it('tries a batch once, unless even that would take too long', () => {
    const costs = { ...published, badShare: 0.0001 };
    expect(chooseIsolation(100, costs)).toBe('halve');
    expect(chooseIsolation(100, { ...costs, largestBatch: 8 })).toBe('batch');
    expect(chooseIsolation(400, { ...costs, largestBatch: 8 })).toBe('halve');
    const meter = createCostMeter();
    expect(meter.costs().largestBatch).toBe(0);
    meter.noteBatch(100, 10_000);
    expect(chooseIsolation(100, { ...meter.costs(), badShare: 0.0001 })).toBe('halve');
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
