import { expect, it } from 'vitest';
import { contract, emulatorContract } from '../../support/contract.ts';

contract('RetrieveTotalRecordCount', (api) => {
  it('answers a number for each table asked for', async () => {
    const { json } = await api.get(`RetrieveTotalRecordCount(EntityNames=['suite_city','account'])`);
    expect(json.EntityRecordCountCollection).toMatchObject({ Count: 2, Keys: ['suite_city', 'account'] });
    expect(json.EntityRecordCountCollection.Values).toEqual([expect.any(Number), expect.any(Number)]);
  });

  it('is refused for a table that is not there', async () => {
    expect((await api.get(`RetrieveTotalRecordCount(EntityNames=['suite_nothing'])`)).status).toBe(404);
  });
});

emulatorContract('RetrieveTotalRecordCount of the emulator', {}, ({ api }) => {
  it('is fresh, and is not limited', async () => {
    const rows = Array.from({ length: 12 }, () => ({ suite_name: 'A' }));
    await api.bulk('suite_cities', 'suite_city', 'CreateMultiple', rows);
    const { json } = await api.get(`RetrieveTotalRecordCount(EntityNames=['suite_city'])`);
    expect(json.EntityRecordCountCollection.Values).toEqual([12]);
  });
});
