import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { emulatorContract } from '../../support/contract.ts';
import { errorOf, idOf } from '../../support/web-api-client.ts';

const detect = { 'mscrm.suppressduplicatedetection': 'false' };
const duplicateRules = [{ table: 'suite_city', columns: ['suite_region'] }];

emulatorContract('duplicate detection', { settings: { duplicateRules } }, ({ api }) => {
  it('happens only when a request asks for it, on create and on update', async () => {
    const city = { suite_name: 'A', suite_region: randomUUID() };
    expect((await api.post('suite_cities', city, detect)).status).toBe(204);
    expect(errorOf(await api.post('suite_cities', city, detect))).toEqual({ status: 412, code: '0x80040333' });
    expect((await api.post('suite_cities', city, { 'mscrm.suppressduplicatedetection': 'true' })).status).toBe(204);
    const other = idOf(await api.post('suite_cities', { suite_name: 'B' }));
    const update = await api.patch(`suite_cities(${other})`, { suite_region: city.suite_region }, detect);
    expect(errorOf(update)).toEqual({ status: 412, code: '0x80040333' });
  });

  it('takes a row for no duplicate of itself, and an empty column for no duplicate at all', async () => {
    const id = idOf(await api.post('suite_cities', { suite_name: 'A', suite_region: randomUUID() }));
    expect((await api.patch(`suite_cities(${id})`, { suite_number: 1 }, detect)).status).toBe(204);
    expect((await api.post('suite_cities', { suite_name: 'A' }, detect)).status).toBe(204);
    expect((await api.post('suite_cities', { suite_name: 'A' }, detect)).status).toBe(204);
  });
});
