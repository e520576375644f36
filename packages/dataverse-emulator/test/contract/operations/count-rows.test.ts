import { randomUUID } from 'node:crypto';
import { beforeAll, expect, it } from 'vitest';
import { contract, emulatorContract } from '../../support/contract.ts';

contract('counts', (api) => {
  const region = randomUUID().slice(0, 8);
  const mine = `$filter=suite_region eq '${region}'`;
  beforeAll(async () => {
    const rows = Array.from({ length: 7 }, (_, index) => ({
      suite_name: `City ${index}`,
      suite_region: region,
      suite_number: index,
      suite_kind: (index % 2) + 1,
      suite_foundedon: `200${index}-01-01`,
    }));
    expect((await api.bulk('suite_cities', 'suite_city', 'CreateMultiple', rows)).status).toBe(200);
  });

  it('come with $count=true and as plain text', async () => {
    const counted = await api.get(`suite_cities?${mine}&$count=true&$top=1`, {
      prefer: 'odata.include-annotations="*"',
    });
    expect(counted.json['@odata.count']).toBe(7);
    expect(counted.json['@Microsoft.Dynamics.CRM.totalrecordcount']).toBe(7);
    const plain = await api.get(`suite_cities/$count?${mine}`);
    expect([plain.headers.get('content-type'), plain.text]).toEqual(['text/plain', '7']);
  });
});

emulatorContract('counts with a limit', { settings: { countLimit: 5 } }, ({ api, emulator }) => {
  it('stop there, tell so, and go on when the limit is taken away', async () => {
    await api.bulk(
      'suite_cities',
      'suite_city',
      'CreateMultiple',
      Array.from({ length: 8 }, () => ({ suite_name: 'A' })),
    );
    const limited = await api.get('suite_cities?$count=true&$top=1', { prefer: 'odata.include-annotations="*"' });
    expect(limited.json).toMatchObject({
      '@odata.count': 5,
      '@Microsoft.Dynamics.CRM.totalrecordcount': 5,
      '@Microsoft.Dynamics.CRM.totalrecordcountlimitexceeded': true,
    });
    expect((await api.get('suite_cities/$count')).text).toBe('5');
    emulator().changeSettings({ countLimit: null });
    expect((await api.get('suite_cities/$count')).text).toBe('8');
  });
});
